"""Preprocessing against torchvision's transforms."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2

from multimodal.encoders import ImagePreprocessing


def random_image(width: int, height: int) -> Image.Image:
    values = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


@settings(max_examples=60, deadline=None)
@given(
    short=st.integers(1, 90),
    ratio=st.floats(1, 4),
    upright=st.booleans(),
    size=st.sampled_from([16, 31, 32]),
    fraction=st.sampled_from([0.5, 0.875, 0.9, 1.0]),
    interpolation=st.sampled_from(["bilinear", "bicubic"]),
)
def test_equals_torchvision(
    short: int, ratio: float, upright: bool, size: int, fraction: float, interpolation: str
) -> None:
    long = min(int(short * ratio), 4 * short)
    image = random_image(*((short, long) if upright else (long, short)))
    ours = ImagePreprocessing(size_px=size, interpolation=interpolation, crop_fraction=fraction)(image)
    theirs = v2.Compose(
        [
            v2.Resize(int(size / fraction), interpolation=v2.InterpolationMode(interpolation)),
            v2.CenterCrop(size),
            v2.PILToTensor(),
        ]
    )(image)
    assert ours.dtype == torch.uint8
    assert torch.equal(ours, theirs)


def test_ends_of_a_very_long_picture_go_first_and_change_nothing() -> None:
    image = random_image(900, 60)
    preprocessing = ImagePreprocessing(size_px=32)
    whole = v2.Compose([v2.Resize(36), v2.CenterCrop(32), v2.PILToTensor()])(image).float()
    assert (preprocessing(image).float() - whole).abs().mean() < 3
    assert preprocessing(Image.new("RGB", (1, 50_000))).shape == (3, 32, 32)
    assert preprocessing(Image.new("RGB", (50_000, 1))).shape == (3, 32, 32)


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "1", "I;16"])
def test_any_mode_becomes_rgb(mode: str) -> None:
    assert ImagePreprocessing(size_px=16)(Image.new(mode, (20, 20))).shape == (3, 16, 16)


def test_stays_itself_through_json(picture: Callable[..., Image.Image]) -> None:
    preprocessing = ImagePreprocessing(size_px=24, mean=(0.1, 0.2, 0.3), interpolation="bicubic", crop_fraction=0.9)
    read = ImagePreprocessing.from_json(json.loads(json.dumps(preprocessing.to_json())))
    assert read == preprocessing
    assert read.fingerprint() == preprocessing.fingerprint()
    assert read.fingerprint() != ImagePreprocessing(size_px=24).fingerprint()


def test_unknown_interpolation_is_named() -> None:
    with pytest.raises(ValueError, match="interpolation 'cubic' is unknown; accepted: nearest, bilinear, bicubic"):
        ImagePreprocessing(size_px=8, interpolation="cubic")
