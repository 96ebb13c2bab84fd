"""Preprocessing of pictures, saved with a network's weights, and augmentation for training."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from data_loaders.errors import ConfigError
from multimodal.encoders.configuration import LARGEST_SIZE_PX, ImageEncoderConfig

_RESAMPLING = {name: Image.Resampling[name.upper()] for name in ("nearest", "bilinear", "bicubic", "lanczos")}
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# Resizing a 1 x 20,000 picture by its short side would need gigabytes; beyond this ratio its ends are cut off first.
_LONGEST_RATIO = 4
# What is larger, before and after the crop, is a mistake or meant to fill the memory. Some published models pad.
_LEAST_CROP, _LARGEST_CROP = 0.05, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePreprocessing:
    """Resize by the short side, crop the centre square, or squash; the network normalises.

    The result stays in bytes until it is on the device. That takes a quarter of the memory and loses nothing, because
    Pillow resizes in bytes.

    Attributes:
        size_px: S, side of the square.
        mean: per channel, of pixels in [0, 1]; subtracted by the network.
        std: per channel, of pixels in [0, 1]; divided by the network.
        interpolation: bilinear, bicubic, nearest or lanczos.
        crop_fraction: side of the square divided by the short side of the resized picture.
        squash: resize both sides to the square and crop nothing.
    """

    size_px: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: str = "bilinear"
    crop_fraction: float = 0.875
    squash: bool = False

    def __post_init__(self) -> None:
        problem = ""
        if not 1 <= self.size_px <= LARGEST_SIZE_PX:
            problem = f"size_px={self.size_px!r:.40}: give 1 to {LARGEST_SIZE_PX}"
        elif not _LEAST_CROP <= self.crop_fraction <= _LARGEST_CROP:
            problem = f"crop_fraction={self.crop_fraction!r:.40}: give {_LEAST_CROP} to 1"
        elif not all(1e-6 <= one <= 1e6 for one in self.std) or not all(abs(one) <= 1e6 for one in self.mean):
            problem = f"mean={self.mean!r:.90}, std={self.std!r:.90}: give finite numbers, std above 0"
        if problem:
            raise ConfigError(f"the preprocessing of pictures cannot have {problem}.")
        if self.interpolation not in _RESAMPLING:
            raise ValueError(f"interpolation {self.interpolation!r} is unknown; accepted: {', '.join(_RESAMPLING)}")

    def __call__(self, image: Image.Image) -> Tensor:
        """Return a decoded, upright picture of any mode as bytes, uint8 (3, S, S)."""
        image = image if image.mode == "RGB" else image.convert("RGB")
        image = self._squashed(image) if self.squash else self._cropped(_trim_ends(image))
        return torch.from_numpy(np.asarray(image).transpose(2, 0, 1).copy())

    def _squashed(self, image: Image.Image) -> Image.Image:
        square = (self.size_px, self.size_px)
        return image if image.size == square else image.resize(square, _RESAMPLING[self.interpolation])

    def _cropped(self, image: Image.Image) -> Image.Image:
        short = math.floor(self.size_px / self.crop_fraction)
        width, height = image.size
        # The long side is rounded down and the crop's corner rounded, as torchvision and timm do.
        target = (max(short, int(short * width / height)), max(short, int(short * height / width)))
        if target != image.size:
            image = image.resize(target, _RESAMPLING[self.interpolation])
        left, top = round((target[0] - self.size_px) / 2), round((target[1] - self.size_px) / 2)
        return image.crop((left, top, left + self.size_px, top + self.size_px))

    def seen(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return which part of a picture is left: left, top, right, bottom, as shares of its sides.

        Below 0 or above 1 where the square is larger than the picture, so that there is a border around it.
        """
        if self.squash:
            return (0.0, 0.0, 1.0, 1.0)
        (left, right), (top, bottom) = (self._seen_of(side, min(width, height)) for side in (width, height))
        return (left, top, right, bottom)

    def _seen_of(self, side: int, other: int) -> tuple[float, float]:
        trimmed, short = min(side, _LONGEST_RATIO * other), math.floor(self.size_px / self.crop_fraction)
        resized = max(short, int(short * trimmed / other))
        start = round((resized - self.size_px) / 2)
        shares = (start / resized, (start + self.size_px) / resized)
        first, last = (0.5 + (share - 0.5) * trimmed / side for share in shares)
        return first, last

    def fingerprint(self) -> str:
        """Return a hash of the settings: equal fingerprints mean equal pixels."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        values = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        # Absent where it is off, so that fingerprints stay what they were.
        return values if self.squash else {key: value for key, value in values.items() if key != "squash"}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ImagePreprocessing:
        """Return the preprocessing with the settings that `to_json` returned."""
        return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})


def preprocessing_for(config: ImageEncoderConfig, published: ImagePreprocessing) -> ImagePreprocessing:
    """Return the published preprocessing of the weights, with the configured settings replaced."""
    keys = {"size_px", "mean", "std", "interpolation", "crop_fraction"}
    return replace(published, **config.model_dump(include=keys, exclude_none=True))


class Augmentation:
    """A random crop of at least 60 % of the picture's area, mirrored with probability 1/2; uses torch's generator.

    For train batches only: validation and inference use the output of `ImagePreprocessing` unchanged.
    """

    def __init__(self, size_px: int) -> None:
        from torchvision.transforms import v2

        self._transform = v2.Compose(
            [v2.RandomResizedCrop(size_px, scale=(0.6, 1.0), antialias=True), v2.RandomHorizontalFlip()]
        )

    def __call__(self, pixels: Tensor) -> Tensor:
        """Return a random view of one picture, uint8 (3, S, S) → uint8 (3, S, S)."""
        transformed: Tensor = self._transform(pixels)
        return transformed

    def views(self, pixels: Tensor, rows: Sequence[int], seed: int, epoch: int) -> Tensor:
        """Return a random view of each picture, which follows from (seed, epoch, row) and not from the batch.

        Args:
            pixels: (B, 3, S, S) uint8.
            rows: one number per picture, at least 0, different for different pictures.
            seed, epoch: at least 0.
        """
        state = torch.get_rng_state()
        views = torch.empty_like(pixels)
        try:
            for i, row in enumerate(rows):
                # Not torch.manual_seed: it would reset the generator of a GPU's dropout as well.
                torch.default_generator.manual_seed(
                    int(np.random.SeedSequence((seed, epoch, row)).generate_state(1)[0])
                )
                views[i] = self(pixels[i])
        finally:
            torch.set_rng_state(state)
        return views


def _trim_ends(image: Image.Image) -> Image.Image:
    width, height = image.size
    longest = _LONGEST_RATIO * min(width, height)
    if max(width, height) <= longest:
        return image
    left, top = max(width - longest, 0) // 2, max(height - longest, 0) // 2
    return image.crop((left, top, left + min(width, longest), top + min(height, longest)))
