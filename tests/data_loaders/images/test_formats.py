"""Which formats are read."""

import sys
from io import BytesIO

import pytest
from PIL import EpsImagePlugin, Image

from data_loaders.images import formats
from data_loaders.images.loading import ImageError, load_image

HEIC = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf"


def test_no_other_program_is_started(monkeypatch, tmp_path):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript"))
    buffer = BytesIO()
    Image.new("RGB", (3, 2)).save(buffer, "EPS")
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    for source in (tmp_path / "a.jpg", buffer.getvalue()):
        with pytest.raises(ImageError, match="it is EPS, not a picture in a known format") as caught:
            load_image(source)
        assert caught.value.reason == "not_an_image"


@pytest.mark.parametrize(
    "kind", ["BMP", "DDS", "GIF", "ICO", "JPEG", "PCX", "PNG", "PPM", "SGI", "TGA", "TIFF", "WEBP"]
)
def test_pictures(kind):
    buffer = BytesIO()
    Image.new("RGB", (16, 16), (9, 9, 9)).save(buffer, kind)
    assert load_image(buffer.getvalue()).size == (16, 16)


def test_heic_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    formats._installed.cache_clear()
    try:
        with pytest.raises(ImageError) as caught:
            load_image(HEIC)
    finally:
        formats._installed.cache_clear()
    assert caught.value.reason == "unsupported"
    assert str(caught.value) == (
        "image given as 28 bytes cannot be used: it is HEIC, which needs a package: install pillow-heif "
        "(pip install 'multimodal-hashtags[heif]'), or convert it to JPEG"
    )


def test_heic_with_its_package():
    heif = pytest.importorskip("pillow_heif")
    buffer = BytesIO()
    heif.from_pillow(Image.new("RGB", (64, 48), (200, 30, 30))).save(buffer)
    picture = load_image(buffer.getvalue())
    assert (picture.size, picture.mode) == ((64, 48), "RGB")
    assert picture.getpixel((9, 9)) == pytest.approx((200, 30, 30), abs=8)
    with pytest.raises(ImageError):
        load_image(buffer.getvalue()[:-200])
