"""Autotune: random search for the settings of `fasttext` by validation F1."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np

from multimodal.captions.fasttext.config import FastTextConfig
from multimodal.distributed.processes import barrier, is_main_process
from multimodal.storage.run_folder import RunFolder, read_json, write_json
from multimodal.training.trainer import TrainingState

logger = logging.getLogger(__name__)
_FOLDER, _RECORDS = "autotune", "autotune.json"
_KEYS = {
    "encoder": ("width", "word_ngrams", "minimum_count", "characters"),
    "training": ("learning_rate", "batch_size"),
}
Settings = dict[str, Any]
Fit = Callable[[FastTextConfig, RunFolder], TrainingState]


def draw_settings(seed: int, trial: int) -> Settings:
    """Return the random settings of a trial, which depend on the seed and the number of the trial only.

    Learning rate 0.002 to 0.05 and width 16 to 200 are log-uniform. The number of epochs is not drawn, because early
    stopping chooses it.
    """
    draw = np.random.default_rng([seed, trial])
    longest = int(draw.choice([1, 1, 2, 3]))
    return {
        "learning_rate": float(np.round(np.exp(draw.uniform(np.log(0.002), np.log(0.05))), 5)),
        "width": int(np.round(np.exp(draw.uniform(np.log(16), np.log(200))))),
        "batch_size": int(draw.choice([64, 128, 256, 512])),
        "word_ngrams": longest,
        "minimum_count": int(draw.choice([1, 2, 3, 5])),
        "characters": [3, 5] if draw.random() < 0.25 else None,
        "labels": str(draw.choice(["random", "all"])),
    }


def with_settings(config: FastTextConfig, settings: Settings) -> FastTextConfig:
    """Return a configuration changed to the settings of a trial."""
    values = config.model_dump()
    for section, keys in _KEYS.items():
        values[section].update({key: settings[key] for key in keys})
    return FastTextConfig.model_validate({**values, "labels": settings["labels"], "autotune": {}})


def own_settings(config: FastTextConfig) -> Settings:
    """Return the settings of a configuration, which are tried first."""
    values = config.model_dump(mode="json")
    return {key: values[section][key] for section, keys in _KEYS.items() for key in keys} | {"labels": config.labels}


def autotune(config: FastTextConfig, run: RunFolder, fit: Fit) -> FastTextConfig:
    """Try settings until the trials or the time are used up, and return the configuration of the best.

    Each trial is a line of `metrics.jsonl`. An interrupted search resumes with the trial that was running.

    Args:
        config: limits trials and time; its own settings are tried first.
        run: a trial keeps its checkpoints inside those of the run until it ends.
        fit: trains with a configuration in a run folder.
    """
    file = run.checkpoints / _FOLDER / _RECORDS
    trials: list[dict[str, Any]] = read_json(file, "finished trials") if file.is_file() else []
    while not _enough(config, trials):
        number = len(trials)
        settings = own_settings(config) if number == 0 else draw_settings(config.seed, number)
        folder = RunFolder(run.checkpoints / _FOLDER / f"trial-{number:03d}")
        state = fit(with_settings(config, settings), folder)
        record = {
            "event": "trial",
            "trial": number,
            "score": state.best_score,
            "epochs": state.best_epoch,
            "seconds": state.seconds,
            **settings,
        }
        trials.append(record)
        if is_main_process():
            write_json(file, trials)
            run.log(record)
            shutil.rmtree(folder.path)
        barrier()
        logger.info("trial %d: F1@%d %.4f with %s", number, config.training.validation_k, state.best_score, settings)
    best = max(trials, key=lambda trial: (trial["score"], -trial["trial"]))
    return with_settings(config, best)


def _enough(config: FastTextConfig, trials: list[dict[str, Any]]) -> bool:
    if not trials:
        return False
    wanted = config.autotune
    spent = sum(trial["seconds"] for trial in trials) / 60
    return (wanted.trials is not None and len(trials) >= wanted.trials) or (
        wanted.minutes is not None and spent >= wanted.minutes
    )
