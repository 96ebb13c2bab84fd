"""Decoding, orienting and guarding pictures."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from data_loaders.errors import DataError
from data_loaders.images.loading import ImageError, load_image

RED, GREEN, BLUE = (220, 20, 20), (20, 200, 20), (20, 20, 220)


def scene(width=96, height=64, seed=0):
    """A smooth picture with detail, different for every seed."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image, kind, **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def near(pixel, expected, tolerance=12):
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, expected, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_path_text_bytes_and_pillow_image_give_the_same_picture(tmp_path, kind):
    data = encoded(scene(), kind)
    path = tmp_path / "picture"
    path.write_bytes(data)
    opened = Image.open(BytesIO(data))
    pictures = [load_image(source) for source in (path, str(path), data, opened)]
    assert {picture.mode for picture in pictures} == {"RGB"}
    assert len({picture.tobytes() for picture in pictures}) == 1


def test_a_given_pillow_image_is_neither_returned_nor_changed():
    image = scene()
    loaded = load_image(image)
    loaded.putpixel((0, 0), (1, 2, 3))
    assert image.tobytes() == scene().tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    upright = Image.new("RGB", (40, 24), BLUE)
    upright.paste(RED, (0, 0, 20, 12))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the turn that brings the picture into the stored position
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = load_image(encoded(stored, "JPEG", exif=exif, quality=95, subsampling=0))
    assert picture.size == (40, 24)
    assert near(picture.getpixel((5, 4)), RED)
    assert near(picture.getpixel((35, 4)), BLUE)
    assert near(picture.getpixel((5, 20)), BLUE)


def test_a_broken_exif_block_costs_nothing_but_the_orientation():
    picture = load_image(encoded(scene(), "JPEG", exif=b"Exif\0\0broken"))
    assert picture.size == (96, 64)


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN)]
    picture = load_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert near(picture.getpixel((4, 4)), RED)


def test_one_by_one_pixel():
    assert load_image(encoded(Image.new("RGB", (1, 1), RED), "PNG")).getpixel((0, 0)) == RED


def test_sixteen_bit_and_cmyk_files():
    deep = Image.fromarray(np.full((4, 4), 32_896, np.uint16))
    assert load_image(encoded(deep, "PNG")).getpixel((0, 0)) == (128, 128, 128)
    assert load_image(encoded(deep, "TIFF")).getpixel((0, 0)) == (128, 128, 128)
    assert near(load_image(encoded(Image.new("RGB", (16, 16), RED).convert("CMYK"), "JPEG")).getpixel((8, 8)), RED)


def test_a_large_jpeg_is_decoded_smaller_but_never_below_the_hint():
    data = encoded(scene(1600, 1000), "JPEG")
    assert load_image(data).size == (1600, 1000)
    for hint in (64, 125, 126, 224, 999, 5000):
        width, height = load_image(data, size_hint_px=hint).size
        assert min(width, height) >= min(hint, 1000)
    assert load_image(data, size_hint_px=125).size == (200, 125)


def bomb():
    """A PNG of a few bytes whose header claims 40,000 × 40,000 pixels."""
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    packed = [struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
              for kind, body in chunks]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_what_cannot_be_used_is_named_with_its_cause(tmp_path):
    jpeg = encoded(scene(), "JPEG")
    cases = {
        "gone.jpg": (None, "missing", "there is no such file"),
        "empty.jpg": (b"", "empty", "the file is empty (0 bytes)"),
        "page.jpg": (b"<!doctype html><p>login", "not_an_image", "not a picture in a known format"),
        "half.jpg": (jpeg[: len(jpeg) // 2], "damaged", "truncated or damaged"),
        "half.png": (encoded(scene(), "PNG")[:300], "damaged", "truncated or damaged"),
        "bomb.png": (bomb(), "too_large", "more than"),
    }
    for name, (content, reason, cause) in cases.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ImageError) as caught:
            load_image(path)
        assert caught.value.reason == reason
        assert str(caught.value).startswith(f"image {path} cannot be used: ")
        assert cause in str(caught.value)
        assert load_image(path, policy="skip") is None
        blank = load_image(path, policy="blank", size_hint_px=32)
        assert blank.size == (32, 32)
        assert blank.getcolors() == [(1024, (128, 128, 128))]


def test_a_picture_above_the_limit_is_refused_and_pillow_stays_as_it_was():
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(DataError, match="96 × 64 pixels; at most 6,143 are decoded"):
        load_image(encoded(scene(), "PNG"), max_pixels=6_143)
    assert load_image(encoded(scene(), "PNG"), max_pixels=6_144).size == (96, 64)
    assert before == Image.MAX_IMAGE_PIXELS


def test_sources_of_another_kind(tmp_path):
    with pytest.raises(DataError, match="cannot be opened"):
        load_image(tmp_path)
    with pytest.raises(DataError, match="cannot be opened"):
        load_image("a\0b")
    with pytest.raises(DataError, match="given as int cannot be used: accepted: a path, bytes"):
        load_image(3)
    with pytest.raises(DataError, match="pictures are not downloaded"):
        load_image("https://example.com/a.jpg")
    with pytest.raises(DataError, match="given as 3 bytes cannot be used: not a picture"):
        load_image(b"abc")
    with pytest.raises(DataError, match="given as an array cannot be used: an array of shape"):
        load_image(np.zeros((3, 8, 8)))


def test_an_empty_path_is_no_folder():
    with pytest.raises(DataError, match="image '' cannot be used: the path is empty"):
        load_image("")


def test_a_text_that_is_no_path_is_not_repeated_as_a_whole():
    with pytest.raises(ImageError) as error:
        load_image("x" * 1_000_000)
    assert str(error.value).startswith("image " + "x" * 1_000 + "… cannot be used: ")
    assert len(str(error.value)) < 2_000


def test_an_unknown_policy_names_the_nearest():
    with pytest.raises(DataError, match=r"'skp' is unknown; accepted: raise, skip, blank. Did you mean 'skip'\?"):
        load_image(b"", policy="skp")
