"""Any Pillow mode, or an array, as RGB."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data_loaders.images import modes
from data_loaders.images.modes import image_from_array, levels, to_rgb

RED = (220, 20, 20)
MODES = (
    "1",
    "L",
    "P",
    "LA",
    "PA",
    "RGB",
    "RGBA",
    "RGBX",
    "RGBa",
    "La",
    "CMYK",
    "YCbCr",
    "HSV",
    "LAB",
    "I",
    "F",
    "I;16",
)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_rgb(mode):
    image = Image.new(mode, (3, 2))
    picture = to_rgb(image)
    assert (picture.mode, picture.size) == ("RGB", (3, 2))


@pytest.mark.parametrize("mode", ["RGBX", "CMYK", "YCbCr", "HSV", "P"])
def test_colours_survive(mode):
    pixel = to_rgb(Image.new("RGB", (2, 2), RED).convert(mode)).getpixel((0, 0))
    assert all(abs(a - b) <= 30 for a, b in zip(pixel, RED, strict=True))


def test_lab_is_converted_by_its_meaning():
    assert to_rgb(Image.new("LAB", (1, 1), (255, 128, 128))).getpixel((0, 0)) == pytest.approx((255, 255, 255), abs=3)


def test_transparency_is_laid_on_white():
    half = Image.new("RGBA", (1, 1), (0, 0, 0, 128))
    assert to_rgb(half).getpixel((0, 0)) == pytest.approx((127, 127, 127), abs=1)
    assert to_rgb(half.convert("LA")).getpixel((0, 0)) == pytest.approx((127, 127, 127), abs=1)
    palette = Image.new("P", (1, 1), 0)
    palette.info["transparency"] = 0
    assert to_rgb(palette).getpixel((0, 0)) == (255, 255, 255)
    grey = Image.new("L", (1, 1), 7)
    grey.info["transparency"] = 7
    assert to_rgb(grey).getpixel((0, 0)) == (255, 255, 255)


def test_levels_by_hand():
    assert levels(np.array([0, 257, 65_535], np.uint16)).tolist() == [0, 1, 255]
    assert levels(np.array([0, 257, 65_535], ">u2")).tolist() == [0, 1, 255]
    assert levels(np.array([0.0, 0.5, 1.0])).tolist() == [0, 128, 255]
    assert levels(np.array([-3.0, np.nan, 200.0])).tolist() == [0, 0, 200]
    assert levels(np.array([0, 32_896, 65_535])).tolist() == [0, 128, 255]
    assert levels(np.array([0, 500_000, 1_000_000])).tolist() == [0, 128, 255]


@settings(deadline=None)
@given(st.lists(st.floats(width=32), min_size=1))
def test_levels_take_any_floats(values):
    assert levels(np.array(values, np.float32)).dtype == np.uint8


def test_arrays():
    grey = np.array([[0, 255]], np.uint8)
    assert image_from_array(grey).getpixel((1, 0)) == 255
    assert image_from_array(grey[:, :, None]).mode == "L"
    assert image_from_array(grey > 0).getpixel((1, 0)) == 255
    assert image_from_array(np.full((2, 3, 3), 0.5)).getpixel((0, 0)) == (128, 128, 128)
    assert image_from_array(np.zeros((2, 3, 4), np.uint8)).mode == "RGBA"
    assert image_from_array(np.full((2, 2), 65_535, np.uint16)).getpixel((0, 0)) == 255


@pytest.mark.parametrize(
    "array, text",
    [
        (np.zeros((3, 4, 5), np.uint8), r"an array of shape \(3, 4, 5\); accepted: \(H, W\)"),
        (np.zeros((0, 4), np.uint8), "an array of shape"),
        (np.zeros(4, np.uint8), "an array of shape"),
        (np.full((2, 2), 1.5), r"floats from 1\.5 to 1\.5; accepted: floats in 0\.\.1"),
        (np.full((2, 2), np.nan), r"accepted: floats in 0\.\.1"),
        (np.zeros((2, 2), np.int64), r"an array of int64; accepted: uint8 \(0\.\.255\)"),
    ],
)
def test_arrays_that_are_no_picture(array, text):
    with pytest.raises(ValueError, match=text):
        image_from_array(array)


@pytest.mark.parametrize("mode", MODES)
def test_in_strips_as_in_one(mode, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 255, (31, 7, 3), np.uint8)
    image = Image.fromarray(pixels) if mode == "LAB" else Image.fromarray(pixels).convert(mode.split(";")[0])
    whole = to_rgb(image).tobytes()
    monkeypatch.setattr(modes, "_STRIP_PIXELS", 20)
    monkeypatch.setattr(modes, "_PIECE", 5)
    assert to_rgb(image).tobytes() == whole
