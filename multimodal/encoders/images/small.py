"""The small image encoder: a compact convolutional network trained from scratch, fast enough for two cores."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from multimodal.encoders.base import ImageEncoder, parameters_of
from multimodal.encoders.configuration import ImageEncoderConfig
from multimodal.encoders.preprocessing import ImagePreprocessing, preprocessing_for
from multimodal.encoders.registry import register_image_encoder
from multimodal.encoders.storage import WEIGHTS_FILE, load_module

_DEFAULT = ImagePreprocessing(size_px=64, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), crop_fraction=1.0)
_STRIDE = 16
_GROUPS = 8


@register_image_encoder("small")
class SmallImageEncoder(ImageEncoder):
    """Four convolution blocks, each of which halves the side: a picture of 64 px has 4 x 4 regions.

    It uses GroupNorm, so that the output does not depend on the other pictures of a batch.
    """

    def __init__(self, config: ImageEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.width = config.width
        self.default_learning_rate = config.learning_rate
        self._set_preprocessing(preprocessing_for(config, _DEFAULT))
        widths = [3, config.width // 4, config.width // 2, config.width, config.width]
        self.blocks = nn.ModuleList(_block(before, after) for before, after in pairwise(widths))
        self.norm = nn.LayerNorm(config.width)
        self.patches = (config.grid or -(-self.preprocessing.size_px // _STRIDE)) ** 2

    @classmethod
    def build(cls, config: ImageEncoderConfig) -> SmallImageEncoder:
        """Start from random weights."""
        encoder = cls(config)
        encoder.set_trainable()
        return encoder.train()

    @classmethod
    def load(cls, folder: Path) -> SmallImageEncoder:
        """Read a folder that `save` wrote, in evaluation mode."""
        config, preprocessing = cls.read_settings(folder)
        encoder = load_module(Path(folder) / WEIGHTS_FILE, lambda: cls(config))
        encoder._set_preprocessing(preprocessing)
        encoder.set_trainable()
        return encoder.eval()

    def layers(self) -> list[list[nn.Parameter]]:
        """Return each block's parameters; the final norm belongs to the last block."""
        layers = [parameters_of(block) for block in self.blocks]
        layers[-1] += parameters_of(self.norm)
        return layers

    def architecture(self) -> dict[str, Any]:
        """Return width and preprocessing."""
        return {"name": "small", "width": self.width, "preprocessing": self.preprocessing.to_json()}

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Return the last block's map as regions (B, P, C)."""
        hidden = pixels
        for block in self.blocks:
            hidden = block(hidden)
        regions: Tensor = self.norm(hidden.flatten(2).transpose(1, 2))
        return regions


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3, stride=2, padding=1, bias=False),
        nn.GroupNorm(min(_GROUPS, after // 4), after),
        nn.GELU(),
    )
