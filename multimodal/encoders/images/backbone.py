"""`BackboneImageEncoder`: the base of published image networks."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, TypeVar

import torch

from data_loaders.errors import ConfigError
from multimodal.encoders.base import ImageEncoder
from multimodal.encoders.configuration import HUB, ImageEncoderConfig, own_learning_rate
from multimodal.encoders.preprocessing import ImagePreprocessing
from multimodal.encoders.storage import WEIGHTS_FILE, load_module, state_file

OPTION = "encoder.image"
HELP = (
    "Give a local file: encoder.image.pretrained=/path/to/weights.safetensors, "
    "or random weights: encoder.image.pretrained=false; or, for posts without pictures, none: encoder.image=null."
)
BackboneType = TypeVar("BackboneType", bound="BackboneImageEncoder")


class BackboneImageEncoder(ImageEncoder):
    """A published image network without its classifier; its output shape is determined by one forward pass."""

    backbone: Any

    def __init__(self, config: ImageEncoderConfig, backbone: Any, preprocessing: ImagePreprocessing) -> None:
        super().__init__()
        self.config = config
        self.default_learning_rate = own_learning_rate(config)
        self.backbone = backbone
        self._set_preprocessing(preprocessing)
        self.eval()
        with torch.no_grad():
            regions = self.probe()
        self.patches, self.width = int(regions.shape[1]), int(regions.shape[2])

    @classmethod
    def find_weights(cls, config: ImageEncoderConfig) -> Path | None:
        """Return the file with the weights to start from; None for random ones."""
        if config.pretrained is False:
            return None
        if config.pretrained == HUB:
            return cls._published_file(config.name, f"{OPTION}.pretrained={HUB!r} ({config.name})")
        return state_file(str(config.pretrained), OPTION)

    @classmethod
    @abstractmethod
    def _published_file(cls, name: str, option: str) -> Path:
        """Return the file with the published weights of a model, downloaded where needed; `option` is for messages."""

    @classmethod
    @abstractmethod
    def _create(cls, config: ImageEncoderConfig, pretrained: bool | str) -> tuple[Any, ImagePreprocessing]:
        """Return the network without its classifier, and its weights' preprocessing."""

    @classmethod
    def build(cls: type[BackboneType], config: ImageEncoderConfig) -> BackboneType:
        """Load pretrained weights, or start from random ones."""
        encoder = cls(config, *cls._create(config, config.pretrained))
        encoder.set_trainable()
        return encoder.train()

    @classmethod
    def load(cls: type[BackboneType], folder: Path) -> BackboneType:
        """Read a folder that `save` wrote, in evaluation mode."""
        config, preprocessing = cls.read_settings(folder)
        # The network is created for the saved size, whatever the defaults are now.
        sized = config.model_copy(update={"size_px": preprocessing.size_px})

        def make() -> BackboneType:
            return cls(config, cls._create(sized, pretrained=False)[0], preprocessing)

        encoder = load_module(Path(folder) / WEIGHTS_FILE, make)
        encoder.set_trainable()
        return encoder.eval()

    def architecture(self) -> dict[str, Any]:
        """Return the network's name and preprocessing."""
        return {"name": self.config.name, "preprocessing": self.preprocessing.to_json()}


def weights_error(name: str, pretrained: bool | str, problem: str) -> ConfigError:
    """Return the error for weights that belong to another network."""
    return ConfigError(f"{OPTION}.pretrained={pretrained!r} does not hold the weights of {name}: {problem}.")
