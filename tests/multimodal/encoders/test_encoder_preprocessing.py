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

from multimodal.encoders import Augmentation, ImagePreprocessing


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


@pytest.mark.parametrize("size", [(64, 64), (300, 90), (70, 201), (900, 30), (40, 43)])
@pytest.mark.parametrize("crop_fraction", [1.0, 0.875, 0.5])
def test_what_is_seen_is_where_the_crop_lies(size: tuple[int, int], crop_fraction: float) -> None:
    width, height = size
    across = np.broadcast_to((np.arange(width) + 0.5) / width * 255, (height, width))
    down = np.broadcast_to(((np.arange(height) + 0.5) / height * 255)[:, None], (height, width))
    image = Image.fromarray(np.stack([across, down, down], -1).round().astype(np.uint8))
    preprocessing = ImagePreprocessing(size_px=32, crop_fraction=crop_fraction)
    left, top, right, bottom = preprocessing.seen(width, height)
    pixels = preprocessing(image).float() / 255
    # The middle of the square, and how far it reaches.
    assert float(pixels[0].mean()) == pytest.approx((left + right) / 2, abs=0.01)
    assert float(pixels[1].mean()) == pytest.approx((top + bottom) / 2, abs=0.01)
    pixel = max(right - left, bottom - top) / 32
    assert float(pixels[0].max() - pixels[0].min()) == pytest.approx(right - left, abs=1.5 * pixel + 0.01)
    assert float(pixels[1].max() - pixels[1].min()) == pytest.approx(bottom - top, abs=1.5 * pixel + 0.01)


def test_all_is_seen_of_a_picture_that_is_squashed() -> None:
    assert ImagePreprocessing(size_px=32, squash=True).seen(300, 90) == (0.0, 0.0, 1.0, 1.0)


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


class TestViews:
    """Random views of pictures of gradients, where a view tells its crop."""

    def pictures(self, count: int = 6) -> torch.Tensor:
        steps = torch.arange(32, dtype=torch.uint8)
        one = torch.stack([steps.repeat(32, 1), steps.repeat(32, 1).T, torch.full((32, 32), 7, dtype=torch.uint8)])
        return one.repeat(count, 1, 1, 1)

    def test_follow_from_seed_epoch_and_row_alone(self) -> None:
        view, pixels = Augmentation(32), self.pictures()
        rows = [3, 0, 9, 4, 27, 5]
        together = view.views(pixels, rows, seed=1, epoch=2)
        torch.rand(5)
        backwards = view.views(pixels, rows[::-1], seed=1, epoch=2).flip(0)
        alone = torch.cat([view.views(pixels[:1], [row], seed=1, epoch=2) for row in rows])
        assert torch.equal(backwards, together)
        assert torch.equal(alone, together)
        assert len({bytes(one.numpy().tobytes()) for one in together}) == len(rows)
        for other in (view.views(pixels, rows, 2, 2), view.views(pixels, rows, 1, 3)):
            assert not any(torch.equal(one, another) for one, another in zip(other, together, strict=True))

    def test_leave_the_draws_of_others_and_the_pictures_as_they_were(self) -> None:
        pixels = self.pictures()
        torch.manual_seed(4)
        expected = torch.rand(3)
        torch.manual_seed(4)
        Augmentation(32).views(pixels, range(6), seed=0, epoch=0)
        assert torch.equal(torch.rand(3), expected)
        assert torch.equal(pixels, self.pictures())

    def test_are_crops_of_60_to_100_percent_mirrored_half_of_the_time(self) -> None:
        views = Augmentation(32).views(self.pictures(400), range(400), seed=0, epoch=0).double()
        across, down = views[:, 0].mean(1), views[:, 1].mean(2)
        widths, heights = (across[:, -1] - across[:, 0]).abs() + 1, (down[:, -1] - down[:, 0]).abs() + 1
        shares = widths * heights / 32**2
        assert 0.5 < shares.min() < 0.65
        assert 0.9 < shares.max() <= 1.0
        mirrored = (across[:, -1] < across[:, 0]).double().mean()
        assert 0.4 < mirrored < 0.6
        assert (down[:, -1] > down[:, 0]).all()

    def test_of_nothing(self) -> None:
        assert Augmentation(8).views(torch.empty(0, 3, 8, 8, dtype=torch.uint8), [], 0, 0).shape == (0, 3, 8, 8)
