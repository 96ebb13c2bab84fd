"""The picture formats that are read, and the names of some that are not."""

from __future__ import annotations

from functools import cache

from PIL import Image

# Pillow can open more: EPS starts Ghostscript, others are rare, or are read by Python code that few have tested.
_ACCEPTED = (
    *("AVIF", "BMP", "DDS", "DIB", "GIF", "HEIF", "ICO", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "PSD", "QOI"),
    *("SGI", "TGA", "TIFF", "WEBP"),
)
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_INSTALL = "install pillow-heif (pip install 'multimodal-hashtags[heif]'), or convert it to JPEG"
_OTHERS = {b"%!PS": "EPS", b"\xc5\xd0\xd3\xc6": "EPS", b"%PDF": "PDF", b"<svg": "SVG", b"<?xml": "SVG or another XML",
           b"\0\0\0\x14ftypqt": "a QuickTime film", b"\x1aE\xdf\xa3": "a WebM film"}  # fmt: skip


def formats_for(head: bytes) -> list[str]:
    """Return the names of the formats that a file with this beginning may have, for Pillow."""
    return _installed(_is_heic(head))


def unknown_format(head: bytes) -> tuple[str, str]:
    """Return why a file with this beginning is not opened: the reason of the `ImageError`, and the cause in words."""
    if _is_heic(head) and "HEIF" not in _installed(True):
        return "unsupported", f"it is HEIC, which needs a package: {_INSTALL}"
    name = next((name for begin, name in _OTHERS.items() if head.startswith(begin)), None)
    kind = "" if name is None else f"it is {name}, "
    return (
        "not_an_image",
        f"{kind}not a picture in a known format such as JPEG, PNG or WebP (it starts with {head[:16]!r})",
    )


def _is_heic(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in _HEIC


@cache
def _installed(heic: bool) -> list[str]:
    Image.init()
    if heic and "HEIF" not in Image.OPEN:
        try:
            import pillow_heif
        except ImportError:
            pass
        else:
            pillow_heif.register_heif_opener()
    return [name for name in _ACCEPTED if name in Image.OPEN]
