"""What is not decoded because of its memory or time, and how much is decoded at once."""

import os
import struct
import threading
import zlib
from io import BytesIO

import pytest
from PIL import Image

from data_loaders.images import limits
from data_loaders.images.limits import in_flight, too_large, working_bytes
from data_loaders.images.loading import ImageError, load_image, opened_image


def encoded(image, kind, **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(image, kind, **options):
    return Image.open(BytesIO(encoded(image, kind, **options)))


def test_bytes_count_and_not_pixels_alone(monkeypatch):
    monkeypatch.setattr(limits, "MOST_DECODED_BYTES", 3 << 20)
    size = (1_024, 1_024)
    for mode, kind in (("L", "PNG"), ("RGB", "PNG"), ("RGB", "JPEG"), ("I;16", "PNG"), ("1", "TIFF")):
        assert too_large(opened(Image.new(mode, size), kind)) is None
    for mode, kind in (("RGBA", "PNG"), ("F", "TIFF"), ("I", "TIFF"), ("CMYK", "JPEG")):
        refused = too_large(opened(Image.new(mode, size), kind))
        assert refused == "1,024 × 1,024 pixels take 4 MiB; at most 3 are decoded"


def test_sixteen_bits_that_become_eight_count_as_sixteen(monkeypatch):
    header = b"IHDR" + struct.pack(">IIBBBBB", 1_024, 1_024, 16, 2, 0, 0, 0)
    begin = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    monkeypatch.setattr(limits, "MOST_DECODED_BYTES", 5 << 20)
    with Image.open(BytesIO(begin + bytes(4) + b"IDAT")) as image:
        assert image.mode == "RGB"
        assert too_large(image) == "1,024 × 1,024 pixels take 6 MiB; at most 5 are decoded"


def test_a_picture_that_is_a_line():
    assert too_large(Image.new("1", (1_000_000, 1))) is None
    assert too_large(Image.new("1", (1, 1_000_001))) == "1 × 1,000,001 pixels; at most 1,000,000 on a side are decoded"


def test_formats_whose_decoders_need_more(monkeypatch):
    monkeypatch.setattr(limits, "MOST_WORKING_BYTES", 14 * 100 * 100)
    assert too_large(opened(Image.new("RGB", (100, 100)), "PNG")) is None
    refused = too_large(opened(Image.new("RGB", (100, 100)), "WEBP"))
    assert refused == "100 × 100 pixels; at most 5,833 are decoded from WEBP"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_the_largest_pictures_of_phones_are_decoded(kind):
    """50 megapixels, 597 MiB in HEIC as phones write it: a grid of tiles, turned, with a profile."""
    picture = Image.new("RGB", (1, 1))
    picture.format, picture._size = kind, (8_192, 6_144)
    assert too_large(picture) is None
    picture._size = (12_000, 9_000)
    assert too_large(picture) == "12,000 × 9,000 pixels; at most 89,478,485 are decoded"


def test_what_pillow_decodes_in_python_is_small(monkeypatch):
    monkeypatch.setattr(limits, "_MOST_PIXELS_IN_PYTHON", 8)
    assert load_image(b"P3 2 4 255 " + b"9 " * 24).size == (2, 4)
    with pytest.raises(ImageError, match="3 × 4 pixels; at most 8 are decoded from this variant of PPM, which is slow"):
        load_image(b"P3 3 4 255 " + b"9 " * 36)


def test_scans(monkeypatch):
    jpeg = encoded(Image.new("RGB", (64, 64)), "JPEG", progressive=True)
    last = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    monkeypatch.setattr(limits, "_MOST_SCANNED_PIXELS", 20 * 64 * 64)
    assert load_image(jpeg).size == load_image(jpeg[:-2] + 10 * last + jpeg[-2:]).size == (64, 64)
    with pytest.raises(ImageError, match="its 64 × 64 pixels are in 21 scans; programs write about 10") as caught:
        load_image(jpeg[:-2] + 11 * last + jpeg[-2:])
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize("order", ["<", ">"])
def test_strips(order):
    mark = b"II" if order == "<" else b"MM"
    entry = struct.pack(order + "HHII", 273, 4, 300_001, 8)
    with pytest.raises(ImageError, match="it is in 300,001 strips or tiles; at most 300,000 are read"):
        load_image(mark + struct.pack(order + "HIH", 42, 8, 1) + entry)
    entry = struct.pack(order + "HHQQ", 324, 4, 300_001, 8)
    with pytest.raises(ImageError, match="it is in 300,001 strips or tiles"):
        load_image(mark + struct.pack(order + "HHHQQ", 43, 8, 0, 16, 1) + entry)


def test_a_header_in_too_many_parts():
    with pytest.raises(ImageError, match=r"damaged header \(it is in too many parts\)"):
        load_image(b"\xff\xd8" + b"\xff\xe5\0\2" * 50_000 + b"\xff\xd9")


def test_an_icon_that_holds_a_larger_picture():
    inner = encoded(Image.new("RGB", (300, 200)), "PNG")
    icon = b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(inner), 22) + inner
    with pytest.raises(ImageError, match="300 × 200 pixels; at most 10,000 are decoded"):
        load_image(icon, max_pixels=10_000)


def test_pictures_wait_for_memory(monkeypatch):
    monkeypatch.setattr(limits, "MOST_WORKING_BYTES", 100)
    held, order = threading.Event(), []

    def second():
        with in_flight(60):
            order.append("second")

    with in_flight(60):
        thread = threading.Thread(target=second)
        thread.start()
        with in_flight(40):  # fits beside the first
            order.append("small")
        held.wait(0.05)
        order.append("first ends")
    thread.join()
    assert order == ["small", "first ends", "second"]
    with in_flight(1_000):  # alone, anything may be decoded
        pass


def test_an_opened_picture_is_held_until_it_is_used(monkeypatch):
    image = Image.new("RGB", (10, 10))
    monkeypatch.setattr(limits, "MOST_WORKING_BYTES", working_bytes(image))
    with opened_image(image) as picture:
        assert limits._in_flight._used == working_bytes(image)
        assert picture.size == (10, 10)
    assert limits._in_flight._used == 0
    with pytest.raises(ImageError), opened_image(b"broken"):
        pass
    assert limits._in_flight._used == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_holds_nothing():
    with in_flight(100):
        child = os.fork()
        if not child:
            os._exit(limits._in_flight._used)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
