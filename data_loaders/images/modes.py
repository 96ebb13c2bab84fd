"""Convert any Pillow mode, or an array, to upright eight-bit RGB in the colours of sRGB."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from data_loaders.images.profiles import transform_to_srgb

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_STRIP_PIXELS = 1 << 22
_PIECE = 1 << 20
_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")


def upright(image: Image.Image, decode_errors: tuple[type[Exception], ...]) -> Image.Image:
    """Return a loaded image with its EXIF orientation applied.

    Args:
        image: the picture.
        decode_errors: exceptions of an unreadable EXIF block, which is ignored.
    """
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    except decode_errors:
        return image
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def to_rgb(image: Image.Image) -> Image.Image:
    """Return a loaded image as RGB, in the colours of sRGB.

    Transparency becomes white. Integers of more than eight bits and floats are scaled, see `levels`.
    """
    if "transparency" not in image.info and (image.mode == "F" or image.mode.startswith("I")):
        return Image.fromarray(levels(np.asarray(image))).convert("RGB")
    transform = transform_to_srgb(image)
    if image.mode == "RGB" and "transparency" not in image.info and transform is None:
        return image
    width, height = image.size
    rows = max(_STRIP_PIXELS // width, 1)
    if rows >= height:
        return _to_rgb(image, transform)
    # In strips, because some conversions need several copies.
    converted = Image.new("RGB", image.size)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(top + rows, height)))
        converted.paste(_to_rgb(strip, transform), (0, top))
    return converted


def _to_rgb(image: Image.Image, transform: ImageCms.ImageCmsTransform | None) -> Image.Image:
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        layer = _coloured(image, transform)
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return _apply(image, ImageCms.buildTransform(lab, srgb, "LAB", "RGB"))
    if transform is None:
        return image.convert("RGB")
    return _apply(image if image.mode in ("L", "CMYK") else image.convert("RGB"), transform)


def _coloured(image: Image.Image, transform: ImageCms.ImageCmsTransform | None) -> Image.Image:
    """Return a picture with transparency as RGBA."""
    layer = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
    if transform is None:
        return layer
    opaque = layer.getchannel("R") if image.mode in ("L", "LA") else layer.convert("RGB")
    colours = _apply(opaque, transform)
    colours.putalpha(layer.getchannel("A"))
    return colours


def _apply(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    return image.convert("RGB") if converted is None else converted


def levels(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return grey or colour values of any range as 0..255.

    The largest value decides the range: floats up to 1 are read as 0..1, anything up to 255 as 0..255, up to 65,535
    as 16 bits; larger values are scaled so that the largest becomes 255. Negative values and NaN become 0.

    >>> levels(np.array([0.0, 0.5, 1.0])).tolist()
    [0, 128, 255]
    """
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return (values // 257).astype(np.uint8)
    flat, scaled = values.reshape(-1), np.empty(values.size, np.uint8)
    # In pieces, because the numbers take eight times the memory.
    pieces = [slice(start, start + _PIECE) for start in range(0, values.size, _PIECE)]
    top = max((float(_numbers(flat[piece]).max()) for piece in pieces), default=0.0)
    if np.issubdtype(values.dtype, np.floating) and top <= 1.0:
        scale = 255.0
    elif top <= 255:
        scale = 1.0
    else:
        scale = 255.0 / (65535.0 if top <= 65535 else top)
    for piece in pieces:
        scaled[piece] = np.clip(np.rint(_numbers(flat[piece]) * scale), 0, 255)
    return scaled.reshape(values.shape)


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.nan_to_num(np.asarray(values, np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def image_from_array(array: NDArray[Any]) -> Image.Image:
    """Return an array as a picture.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); uint8 in 0..255, uint16, bool, or floats in 0..1.

    Raises:
        ValueError: the array has another shape, type or range.
    """
    shape, kind = array.shape, array.dtype
    if array.ndim not in (2, 3) or (array.ndim == 3 and shape[2] not in (1, 3, 4)) or 0 in shape:
        raise ValueError(f"an array of shape {shape}; accepted: (H, W), (H, W, 3) or (H, W, 4)")
    if np.issubdtype(kind, np.floating):
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise ValueError(f"an array of floats from {array.min():g} to {array.max():g}; accepted: floats in 0..1")
    elif kind not in (np.uint8, np.uint16, np.bool_):
        raise ValueError(f"an array of {kind}; accepted: uint8 (0..255), uint16 or floats (0..1)")
    if kind == np.bool_:
        array = array.astype(np.uint8) * 255
    pixels = array if array.dtype == np.uint8 else levels(array)
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2:] == (1,) else pixels))
