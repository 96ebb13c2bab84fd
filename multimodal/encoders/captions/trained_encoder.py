"""Find the caption encoder that an earlier run has trained."""

from __future__ import annotations

from pathlib import Path

from data_loaders.errors import ConfigError
from multimodal.encoders.configuration import CaptionEncoderConfig
from multimodal.encoders.storage import DESCRIPTION_FILE, read_description

_OPTION = "encoder.caption"


def encoder_folder(path: str | Path) -> Path | None:
    """Return the caption encoder's folder, given it, a run folder or a model folder; None if there is none."""
    folder = Path(path).expanduser()
    candidates = (folder, folder / "caption_encoder", folder / "model" / "caption_encoder")
    return next((candidate for candidate in candidates if (candidate / DESCRIPTION_FILE).is_file()), None)


def trained_encoder(config: CaptionEncoderConfig) -> Path:
    """Return the folder that `config.pretrained` names.

    Raises:
        ConfigError: it holds no caption encoder, or not one named `config.name`.
        RunError: the encoder is damaged.
    """
    option = f"{_OPTION}.pretrained={config.pretrained!r}"
    folder = encoder_folder(config.pretrained or "")
    if folder is None:
        raise ConfigError(
            f"{option}: no trained caption encoder found. Give the folder of a finished run, for instance of: "
            f"multimodal-hashtags train --config {config.name} --data data/prepared --output runs/NAME"
        )
    name = read_description(folder, "caption").get("config", {}).get("name")
    if name != config.name:
        raise ConfigError(f"{option} holds the encoder {name!r}; set {_OPTION}.name={name}.")
    return folder
