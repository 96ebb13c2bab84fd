"""Hostile pictures, from a seed: all formats that Pillow writes, damaged, lying, or far larger than their files.

`hostile_pictures(seed, count)` yields names and contents. The first are the bombs, one each; the others are drawn.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO

from PIL import Image, ImageCms

MODES = ("1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "F", "I;16")
# Formats that Pillow writes from Python itself, in seconds.
_SLOW = frozenset({"BLP", "QOI"})
_EXTREMES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def written_formats() -> list[str]:
    """Return the formats that Pillow can write and read."""
    Image.init()
    return sorted((set(Image.SAVE) & set(Image.OPEN)) - {"BUFR", "GRIB", "HDF5", "WMF"})


def encoded(image: Image.Image, kind: str, **options: object) -> bytes | None:
    """Return the picture in a format; None where the format cannot hold it."""
    buffer = BytesIO()
    try:
        image.save(buffer, kind, **options)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        SyntaxError,
        struct.error,
        AttributeError,
        RuntimeError,
        ArithmeticError,
    ):
        return None
    return buffer.getvalue()


def scene(draw: random.Random, mode: str = "RGB", most_px: int = 60) -> Image.Image:
    """Return a small picture."""
    width, height = draw.randint(1, most_px), draw.randint(1, most_px)
    coarse = Image.frombytes("RGB", (4, 3), draw.randbytes(36)).resize((width, height), Image.Resampling.BICUBIC)
    if mode == "LAB":
        return Image.frombytes("LAB", coarse.size, coarse.tobytes())
    if mode == "I;16":
        return Image.frombytes(mode, coarse.size, draw.randbytes(2 * width * height))
    return coarse.convert(mode)


def png(width: int, height: int, *chunks: tuple[bytes, bytes], depth: int = 8, colour: int = 2) -> bytes:
    """Return a PNG of a stated size with these chunks, which need not fit it."""
    header = (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    packed = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in (header, *chunks, (b"IEND", b""))
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def tiff(tags: dict[int, tuple[int, int, int]], data: bytes = b"") -> bytes:
    """Return a TIFF: (type, count, value or offset) by tag, and data from offset 8 + 2 + 12 · tags + 4 on."""
    entries = b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in sorted(tags.items()))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + data


def _blank_png(width: int, height: int, depth: int, colour: int, bytes_per_pixel: int) -> bytes:
    row, packer = bytes(1 + width * bytes_per_pixel), zlib.compressobj(9)
    return png(width, height, (b"IDAT", b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])),
               depth=depth, colour=colour)  # fmt: skip


def _float_tiff() -> bytes:
    return encoded(Image.new("F", (9_400, 9_400)), "TIFF", compression="tiff_deflate") or b""


def _many_scans() -> bytes:
    data = encoded(Image.new("RGB", (9_000, 9_000), (120, 130, 140)), "JPEG", progressive=True) or b""
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * 5_000 + data[-2:]


def _many_strips() -> bytes:
    count = 3_000_000
    start = 8 + 2 + 12 * 8 + 4
    return tiff({256: (4, 1, 1), 257: (4, 1, count), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 278: (4, 1, 1),
                 273: (4, count, start), 279: (4, count, start)}, struct.pack("<I", 8) * count)  # fmt: skip


def _overlapping_tags() -> bytes:
    data = bytes(1 << 20)
    tags = {tag: (7, len(data), 8) for tag in range(40_000, 65_000)}
    return tiff({256: (4, 1, 1), 257: (4, 1, 1), 258: (3, 1, 8), 262: (3, 1, 1), 273: (4, 1, 8), **tags}, data)


def _icon_of_another_size() -> bytes:
    inner = _blank_png(13_000, 13_000, 8, 6, 4)
    return b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(inner), 22) + inner


def _long_gif_comment() -> bytes:
    data = encoded(Image.new("P", (8, 8)), "GIF") or b""
    at = data.index(b",")
    return data[:at] + b"!\xfe" + (b"\xff" + b"x" * 255) * 60_000 + b"\0" + data[at:]


def _runs() -> bytes:
    header = struct.pack("<IHHIIiiHHIIiiII", 1078, 0, 0, 1078, 40, 9_000, 9_000, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + header + bytes(1024) + b"\1\1" * 8_000_000


BOMBS: dict[str, Callable[[], bytes]] = {
    "float.tif": _float_tiff,
    "rgba.png": lambda: _blank_png(9_400, 9_400, 8, 6, 4),
    "rgb16.png": lambda: _blank_png(9_400, 9_400, 16, 2, 6),
    "rgba16.png": lambda: _blank_png(8_000, 8_000, 16, 6, 8),
    "alpha.png": lambda: _blank_png(8_190, 8_190, 8, 6, 4),
    "rgb.png": lambda: _blank_png(9_400, 9_400, 8, 2, 3),
    "wide.png": lambda: _blank_png(89_000_000, 1, 8, 0, 1),
    "claims.png": lambda: png(40_000, 40_000, (b"IDAT", zlib.compress(b""))),
    "chunks.png": lambda: png(8, 8, *[(b"teSt", b"")] * 1_500_000),
    "scans.jpg": _many_scans,
    "markers.jpg": lambda: b"\xff\xd8" + b"\xff\xe5\0\2" * 4_000_000 + b"\xff\xd9",
    "strips.tif": _many_strips,
    "tags.tif": _overlapping_tags,
    "icon.ico": _icon_of_another_size,
    "comment.gif": _long_gif_comment,
    "plain.ppm": lambda: b"P3 9000 9000 255 " + b"0 " * 4_000_000,
    "comment.ppm": lambda: b"P6 #" + b"x" * 30_000_000,
    "runs.bmp": _runs,
    "large.webp": lambda: encoded(Image.new("RGBA", (9_400, 9_400)), "WEBP", lossless=True, quality=0, method=0) or b"",
    "script.eps": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\n%%EOF\n",
    "page.svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>',
    "page.jpg": lambda: b"<!doctype html><p>Please log in",
    "nothing.jpg": lambda: b"",
}  # fmt: skip
"""Small files that ask for much memory or time, or for another program."""


def _plain(draw: random.Random) -> tuple[str, bytes]:
    while True:
        mode, kind = draw.choice(MODES), draw.choice(written_formats())
        image = scene(draw, mode, 8 if kind in _SLOW else 60)
        data = encoded(image, kind, **draw.choice(({}, {"icc_profile": _profile(draw)}, {"exif": _exif(draw)})))
        if data is not None:
            return f"{mode.replace(';', '')}.{kind.lower()}", data


def _exif(draw: random.Random) -> bytes:
    """Return an EXIF block with an orientation of any type and value, or none at all."""
    kind = draw.choice((1, 2, 3, 4, 5, 7, 12, 99))
    entry = struct.pack(
        "<HHII", 0x0112, kind, draw.choice((0, 1, 2, 9, 0xFFFFFFFF)), draw.choice((*range(10), *_EXTREMES))
    )
    block = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", draw.choice((1, 2, 0xFFFF))) + entry + bytes(4)
    return draw.choice((block, block[: draw.randrange(len(block))], b"Exif\0\0" + draw.randbytes(40)))


def _profile(draw: random.Random) -> bytes:
    """Return a colour profile, whole, damaged or of another kind of channels."""
    kind = draw.choice(("sRGB", "LAB", "XYZ"))
    whole = ImageCms.ImageCmsProfile(ImageCms.createProfile(kind)).tobytes()
    return draw.choice((whole, _flipped(draw, whole), whole[: draw.randrange(len(whole))], draw.randbytes(300), b"\0"))


def _flipped(draw: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 3, 30))):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _truncated(draw: random.Random, data: bytes) -> bytes:
    return data[: draw.randrange(len(data))] + draw.choice((b"", bytes(draw.randrange(100))))


def _lying(draw: random.Random, data: bytes) -> bytes:
    """Return the data with an extreme number somewhere in its header."""
    form = draw.choice(("<H", ">H", "<I", ">I", "B"))
    number = struct.pack(form, draw.choice(_EXTREMES) & (256 ** struct.calcsize(form) - 1))
    at = draw.randrange(min(len(data), draw.choice((40, 200))))
    changed = data[:at] + number + data[at + len(number) :]
    return _with_checksums(changed) if data.startswith(b"\x89PNG") else changed


def _with_checksums(data: bytes) -> bytes:
    """Return a PNG whose header has its right checksum, so that what it says is believed."""
    return data[:29] + struct.pack(">I", zlib.crc32(data[12:29])) + data[33:]


def _spliced(draw: random.Random, data: bytes) -> bytes:
    _, other = _plain(draw)
    return data[: draw.randrange(len(data))] + other[draw.randrange(len(other)) :]


def _animated(draw: random.Random) -> tuple[str, bytes]:
    kind, mode = draw.choice(("GIF", "WEBP", "PNG", "TIFF", "AVIF")), draw.choice(("P", "RGB", "RGBA", "L"))
    frames = [scene(draw, mode) for _ in range(draw.randint(2, 4))]
    options = {
        "save_all": True,
        "append_images": frames[1:],
        "duration": draw.choice((0, 40)),
        "loop": draw.choice((0, 3)),
    }
    return f"animated.{kind.lower()}", encoded(frames[0], kind, **options) or b"GIF89a"


_CHANGES = {"flipped": _flipped, "truncated": _truncated, "lying": _lying, "spliced": _spliced}


def hostile_pictures(seed: int, count: int, bombs: bool = True) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of pictures.

    Args:
        seed: the same one gives the same pictures, for one version of Pillow.
        count: how many.
        bombs: whether to begin with the bombs, which take seconds to make.
    """
    names = list(BOMBS)[:count] if bombs else []
    for name in names:
        yield name, BOMBS[name]()
    for number in range(len(names), count):
        draw = random.Random(f"{seed} {number}")
        name, data = _animated(draw) if draw.random() < 0.1 else _plain(draw)
        change = draw.choice(("whole", *_CHANGES))
        content = data if change == "whole" else _CHANGES[change](draw, data)
        yield f"{number}-{change}-{name}", content
