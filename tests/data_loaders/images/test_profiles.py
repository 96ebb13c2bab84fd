"""Colour profiles are converted to sRGB."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from data_loaders.images.loading import load_image
from data_loaders.images.profiles import transform_to_srgb

# Red, green and blue in XYZ, as profiles state them: adapted to D50.
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
PLAIN = (100, 200, 50)


def numbers(*values):
    return b"".join(struct.pack(">i", round(value * 65_536)) for value in values)


def profile(primaries, gamma=2.2, space=b"RGB "):
    """Return an ICC profile of version 2: three primaries, or grey without, and a gamma or a curve."""
    curve = [round(gamma * 256)] if isinstance(gamma, float) else gamma
    trc = b"curv" + bytes(4) + struct.pack(f">I{len(curve)}H", len(curve), *curve)
    tags = {b"wtpt": b"XYZ " + bytes(4) + numbers(0.9642, 1, 0.8249)}
    for name, primary in zip((b"r", b"g", b"b"), primaries, strict=False):
        tags[name + b"XYZ"] = b"XYZ " + bytes(4) + numbers(*primary)
        tags[name + b"TRC"] = trc
    if not primaries:
        tags[b"kTRC"] = trc
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    size = struct.pack(
        ">I4sI4s4s4s12s4s", start + len(body), b"lcms", 0x02400000, b"mntr", space, b"XYZ ", b"", b"acsp"
    )
    header = size + bytes(28) + numbers(0.9642, 1, 0.8249) + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


def srgb_curve():
    steps = np.arange(1024) / 1023
    linear = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)
    return [round(value * 65_535) for value in linear]


def loaded(image, icc_profile, kind="PNG"):
    buffer = BytesIO()
    image.save(buffer, kind, icc_profile=icc_profile)
    return load_image(buffer.getvalue())


def in_srgb(colour, primaries, gamma):
    """The textbook formula: to light, to XYZ, to the light of sRGB, to sRGB."""
    light = np.array(primaries).T @ (np.array(colour) / 255) ** gamma
    linear = np.clip(np.linalg.inv(np.array(SRGB).T) @ light, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055) * 255


@pytest.mark.parametrize("colour", [(100, 200, 50), (200, 120, 90), (255, 255, 255), (0, 0, 0), (128, 128, 128)])
def test_adobe_rgb_by_the_formula(colour):
    expected = in_srgb(colour, ADOBE, 2.19921875)
    pixel = loaded(Image.new("RGB", (3, 2), colour), profile(ADOBE, 2.19921875)).getpixel((1, 1))
    assert pixel == pytest.approx(tuple(expected), abs=2)


def test_srgb_of_any_make_changes_nothing():
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = Image.effect_noise((40, 30), 90).convert("RGB")
    for same in (made, profile(SRGB, srgb_curve())):
        assert loaded(noise, same).tobytes() == noise.tobytes()


@pytest.mark.parametrize("broken", [b"garbage", profile(ADOBE)[:200], profile(ADOBE)[:-300], bytes(5 << 20)])
def test_a_profile_that_cannot_be_read_is_left_out(broken):
    image = Image.new("RGB", (3, 2), PLAIN)
    image.info["icc_profile"] = broken
    assert load_image(image).getpixel((0, 0)) == PLAIN


def test_a_profile_of_other_channels_is_left_out():
    for mode, space in (("RGB", b"GRAY"), ("L", b"RGB "), ("CMYK", b"RGB "), ("F", b"RGB ")):
        image = Image.new(mode, (2, 2))
        image.info["icc_profile"] = profile(() if space == b"GRAY" else ADOBE, 1.8, space)
        assert transform_to_srgb(image) is None


def test_greys():
    grey = loaded(Image.new("L", (2, 2), 128), profile((), 1.0, b"GRAY"))
    assert grey.getpixel((0, 0)) == pytest.approx((188, 188, 188), abs=1)
    half = Image.new("LA", (2, 2), (128, 0))
    assert loaded(half, profile((), 1.0, b"GRAY")).getpixel((0, 0)) == (255, 255, 255)


def test_transparency_and_palettes_have_colours_too():
    opaque = loaded(Image.new("RGB", (2, 2), PLAIN), profile(ADOBE)).getpixel((0, 0))
    assert opaque != PLAIN
    assert loaded(Image.new("RGBA", (2, 2), (*PLAIN, 255)), profile(ADOBE)).getpixel((0, 0)) == opaque
    assert loaded(Image.new("RGBA", (2, 2), (*PLAIN, 0)), profile(ADOBE)).getpixel((0, 0)) == (255, 255, 255)
    palette = Image.new("P", (2, 2), 0)
    palette.putpalette(PLAIN)
    assert loaded(palette, profile(ADOBE)).getpixel((0, 0)) == opaque
