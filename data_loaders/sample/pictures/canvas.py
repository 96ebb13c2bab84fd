"""`Canvas`: a small picture with coordinates in fractions of its side, drawn large and reduced at the end."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]

_SUPERSAMPLING = 2
_GRAIN = 3.0


def vary(rng: random.Random, colour: Colour, spread: int = 14) -> Colour:
    """Return `colour` with each channel moved by up to `spread` levels of 255."""
    red, green, blue = (max(0, min(255, channel + rng.randint(-spread, spread))) for channel in colour)
    return red, green, blue


def shade(colour: Colour, factor: float) -> Colour:
    """Return `colour` multiplied by `factor`: below 1 darker, above 1 lighter."""
    red, green, blue = (max(0, min(255, round(channel * factor))) for channel in colour)
    return red, green, blue


def blend(first: Colour, second: Colour, share: float) -> Colour:
    """Return the colour at `share` (0..1) of the way from `first` to `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


class Canvas:
    """A square picture; every coordinate and length is a fraction (0..1) of its side, y downwards."""

    def __init__(self, size_px: int, rng: random.Random) -> None:
        self._size_px = size_px
        self._side = size_px * _SUPERSAMPLING
        self._rng = rng
        self._image = Image.new("RGB", (self._side, self._side))
        self._draw = ImageDraw.Draw(self._image)

    def gradient(self, top: Colour, bottom: Colour, start: float = 0.0, end: float = 1.0) -> None:
        """Fill the rows from `start` to `end` with a vertical gradient."""
        first, last = round(start * self._side), round(end * self._side)
        if last <= first:
            return
        share = np.linspace(0.0, 1.0, last - first)[:, None, None]
        rows = np.asarray(top) * (1 - share) + np.asarray(bottom) * share
        pixels = np.broadcast_to(rows.round().astype(np.uint8), (last - first, self._side, 3))
        self._image.paste(Image.fromarray(np.ascontiguousarray(pixels)), (0, first))

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self._draw.polygon([(x * self._side, y * self._side) for x, y in points], fill=colour)

    def rectangle(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill an upright rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float, colour: Colour) -> None:
        """Fill an ellipse around (x, y)."""
        self._draw.ellipse(self._box(x, y, radius_x, radius_y), fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a circle around (x, y)."""
        self.ellipse(x, y, radius, radius, colour)

    def ring(self, x: float, y: float, radius: float, width: float, colour: Colour) -> None:
        """Draw a circle's outline."""
        self._draw.ellipse(self._box(x, y, radius, radius), outline=colour, width=self._width(width))

    def pie(self, x: float, y: float, radius: float, start: float, end: float, colour: Colour) -> None:
        """Fill a slice of a circle between two angles in degrees, clockwise from three o'clock."""
        self._draw.pieslice(self._box(x, y, radius, radius), start, end, fill=colour)

    def arc(self, x: float, y: float, radius: float, start: float, end: float, width: float, colour: Colour) -> None:
        """Draw part of a circle's outline between two angles in degrees."""
        self._draw.arc(self._box(x, y, radius, radius), start, end, fill=colour, width=self._width(width))

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a line through `points`."""
        scaled = [(x * self._side, y * self._side) for x, y in points]
        self._draw.line(scaled, fill=colour, width=self._width(width), joint="curve")

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float = 1.0) -> None:
        """Add soft light around (x, y) that fades out at `radius`."""
        diameter = max(2, round(2 * radius * self._side))
        mask = Image.radial_gradient("L").resize((diameter, diameter))
        faded = mask.point(lambda level: max(0, round((180 - level) / 180 * 255 * strength)))
        corner = (round((x - radius) * self._side), round((y - radius) * self._side))
        self._image.paste(colour, (*corner, corner[0] + diameter, corner[1] + diameter), faded)

    def ridge(self, base: float, height: float, colour: Colour, waves: float = 1.5, rough: float = 0.0) -> None:
        """Fill everything below a random skyline that rises up to `height` above `base`."""
        phases = [self._rng.uniform(0, 2 * math.pi) for _ in range(3)]
        points: list[Point] = []
        for step in range(41):
            x = step / 40
            wave = sum(
                math.sin(2 * math.pi * waves * (order + 1) * x + phase) / (order + 1)
                for order, phase in enumerate(phases)
            )
            points.append((x, base - height * (0.5 + wave / 3.6) - self._rng.uniform(0, rough)))
        self.polygon([*points, (1.0, 1.0), (0.0, 1.0)], colour)

    def blur(self, radius: float) -> None:
        """Blur everything drawn so far."""
        self._image = self._image.filter(ImageFilter.GaussianBlur(radius * self._side))
        self._draw = ImageDraw.Draw(self._image)

    def finish(self) -> Image.Image:
        """Return the picture at its final size, with random brightness, contrast and grain like a camera's."""
        rng = self._rng
        pixels = np.asarray(self._image.reduce(_SUPERSAMPLING), dtype=np.float64)
        noise = np.random.default_rng(rng.getrandbits(64)).normal(0.0, _GRAIN, pixels.shape[:2])
        pixels = (pixels - 128.0) * rng.uniform(0.9, 1.08) + 128.0 + rng.uniform(-12, 12) + noise[:, :, None]
        return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))

    def _box(self, x: float, y: float, radius_x: float, radius_y: float) -> tuple[float, float, float, float]:
        side = self._side
        return (x - radius_x) * side, (y - radius_y) * side, (x + radius_x) * side, (y + radius_y) * side

    def _width(self, width: float) -> int:
        return max(1, round(width * self._side))
