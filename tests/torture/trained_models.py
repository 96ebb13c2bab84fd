"""Make the models that the campaign tampers with, and what it needs to run: a sample, prepared, and trained runs.

python tests/torture/trained_models.py FOLDER        every System, trained in seconds, in FOLDER/all
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
_SAMPLE = ("--posts", "80", "--users", "8", "--image-size-px", "64")


def models() -> Path:
    """Return the folder of the trained models that this campaign uses."""
    return Path(os.environ["TORTURE_FOLDER"]) / "models"


def _run(*words: object) -> None:
    environment = {**os.environ, "PYTHONPATH": str(_TESTS.parent)}
    subprocess.run([sys.executable, *map(str, words)], check=True, capture_output=True, env=environment)


def _command(*words: object) -> None:
    _run("-m", "multimodal.commands", *words)


def tampered() -> list[Path]:
    """Return the models to tamper with: one of every System, in a sample of three."""
    folder = models() / "all" if os.environ["TORTURE_SYSTEMS"] == "all" else models()
    return sorted(folder.glob("*/model"))


def train_a_few() -> None:
    """Make a sample, prepare it and train three small Systems on it, unless that is done; import what they need."""
    import multimodal.baselines.popularity
    import multimodal.baselines.user_habit
    import multimodal.design.system  # noqa: F401

    folder = models()
    if (folder / "debug").is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    _command("make-sample", *_SAMPLE, "--output", folder / "sample")
    _command("prepare", "--source", folder / "sample", "--output", folder / "data")
    for config in ("popularity", "user_habit"):
        _command("train", "--config", config, "--data", folder / "data", "--output", folder / config)
    _command("train", "--config", "debug", "--data", folder / "data", "--output", folder / "debug", "training.epochs=1")


def train_all() -> None:
    """Train every System, unless that is done or a sample is made; import what they need."""
    train_a_few()
    if os.environ["TORTURE_SYSTEMS"] == "all" and not (models() / "all").is_dir():
        _run(__file__, models())
    for module in (
        "multimodal.captions.system",
        "transformers",
        "sklearn.feature_extraction.text",
        "safetensors.numpy",
    ):
        __import__(module)


def _train_every_system(folder: Path) -> None:
    """Train every System as the contract test does, and a DESIGN with a transformer.

    Not `language_model`: without its endpoint it answers nothing.
    """
    sys.path[:0] = [str(_TESTS.parent), str(_TESTS / "multimodal"), str(_TESTS / "multimodal" / "systems")]
    from conftest import make_tiny_bert
    from model_folders import make_siglip
    from test_system_contract import SMALL_CONFIGS, SMALL_SETTINGS, TINY_BERT, TINY_DESIGN, TINY_SIGLIP

    from data_loaders.prepared import PreparedData
    from multimodal.systems.config_loading import load_config
    from multimodal.systems.registry import list_systems
    from multimodal.training.run import train_run

    data, bert = PreparedData.open(folder / "data"), folder / "tiny_bert"
    make_tiny_bert(bert)
    stand_ins = {TINY_BERT: bert, TINY_DESIGN: folder / "debug", TINY_SIGLIP: make_siglip(folder / "tiny_siglip")}
    transformer = [
        "training.epochs=1",
        f"encoder.caption={{name: transformer, pretrained: {bert}, maximum_tokens: 32}}",
    ]
    runs = [(name, SMALL_CONFIGS.get(name, name), SMALL_SETTINGS.get(name, [])) for name in list_systems()]
    runs = [run for run in runs if run[0] != "language_model"]
    for name, config, settings in [*runs, ("design_transformer", "debug", transformer)]:
        for stand_in, there in stand_ins.items():
            settings = [setting.replace(stand_in, str(there)) for setting in settings]
        train_run(load_config(_TESTS.parent / "configs" / f"{config}.yaml", settings), data, folder / "all.part" / name)
    (folder / "all.part").rename(folder / "all")


if __name__ == "__main__":
    _train_every_system(Path(sys.argv[1]))
