"""Scenes by the water: a sunset, a sailing boat, a lighthouse. The last two differ in one object only."""

from __future__ import annotations

import random

from data_loaders.sample.pictures.canvas import Canvas, Colour, shade, vary

_DUSKS: tuple[tuple[Colour, Colour], ...] = (
    ((66, 40, 104), (252, 150, 72)),
    ((112, 52, 110), (255, 178, 92)),
    ((40, 52, 110), (246, 122, 96)),
    ((150, 66, 74), (255, 196, 110)),
)
_SAILS: tuple[Colour, ...] = ((250, 248, 240), (224, 72, 64), (250, 202, 84), (240, 240, 255))
_STRIPES: tuple[Colour, ...] = ((206, 48, 44), (36, 70, 140), (40, 40, 48))


def draw_sunset_sea(canvas: Canvas, rng: random.Random) -> None:
    """Draw a low sun over the sea, with its path of light on the water."""
    high, low = (vary(rng, colour) for colour in rng.choice(_DUSKS))
    horizon, x = rng.uniform(0.46, 0.64), rng.uniform(0.22, 0.78)
    radius = rng.uniform(0.07, 0.12)
    canvas.gradient(high, low, 0.0, horizon)
    canvas.glow(x, horizon, 0.5, (255, 222, 150), 0.8)
    canvas.disc(x, horizon - radius * rng.uniform(0.1, 0.9), radius, vary(rng, (255, 236, 170), 8))
    canvas.gradient(shade(low, 0.72), shade(high, 0.5), horizon, 1.0)
    for _ in range(46):
        y = rng.uniform(horizon + 0.01, 0.99)
        half = (0.02 + 0.16 * (y - horizon)) * rng.uniform(0.4, 1.4)
        middle = x + rng.gauss(0, 0.04 + 0.09 * (y - horizon))
        canvas.line([(middle - half, y), (middle + half, y)], 0.008, vary(rng, (255, 206, 128), 18))
    for _ in range(rng.randint(0, 5)):
        _draw_bird(canvas, rng.uniform(0.1, 0.9), rng.uniform(0.08, horizon - 0.15), rng.uniform(0.015, 0.03))


def draw_sailboat(canvas: Canvas, rng: random.Random) -> None:
    """Draw a sailing boat on a day at sea."""
    horizon = _draw_day_at_sea(canvas, rng)
    x, scale = rng.uniform(0.25, 0.75), rng.uniform(0.8, 1.35)
    y = rng.uniform(horizon + 0.1, 0.8)
    top = y - 0.36 * scale
    canvas.line([(x, y), (x, top)], 0.012, (92, 64, 44))
    sail = vary(rng, rng.choice(_SAILS))
    canvas.polygon([(x + 0.012, top), (x + 0.012, y - 0.04), (x + 0.19 * scale, y - 0.04)], sail)
    canvas.polygon([(x - 0.014, top + 0.05), (x - 0.014, y - 0.04), (x - 0.13 * scale, y - 0.04)], shade(sail, 0.86))
    half = 0.19 * scale
    hull = [(x - half, y - 0.02), (x + half, y - 0.02), (x + 0.66 * half, y + 0.07 * scale), (x - 0.7 * half, y + 0.07)]
    canvas.polygon(hull, vary(rng, rng.choice(((120, 62, 40), (238, 238, 240), (36, 62, 110))), 10))


def draw_lighthouse(canvas: Canvas, rng: random.Random) -> None:
    """Draw a striped lighthouse on its rock in the sea."""
    horizon = _draw_day_at_sea(canvas, rng)
    x, scale = rng.uniform(0.25, 0.75), rng.uniform(0.85, 1.2)
    foot = rng.uniform(horizon + 0.14, 0.84)
    rock = vary(rng, (98, 90, 86))
    canvas.polygon(
        [(x - 0.34, foot + 0.12), (x - 0.15, foot - 0.04), (x + 0.16, foot - 0.03), (x + 0.32, foot + 0.1)], rock
    )
    canvas.ellipse(x, foot + 0.1, 0.36, 0.05, shade(rock, 0.8))
    stripe, height = rng.choice(_STRIPES), 0.46 * scale
    bands = 6
    for band in range(bands):
        low, high = band / bands, (band + 1) / bands
        wide, narrow = 0.085 - 0.035 * low, 0.085 - 0.035 * high
        corners = [(x - wide, foot - low * height), (x + wide, foot - low * height)]
        corners += [(x + narrow, foot - high * height), (x - narrow, foot - high * height)]
        canvas.polygon(corners, vary(rng, (246, 244, 238), 5) if band % 2 else stripe)
    top = foot - height
    canvas.rectangle(x - 0.065, top - 0.015, x + 0.065, top + 0.01, (60, 60, 66))
    canvas.rectangle(x - 0.035, top - 0.08, x + 0.035, top - 0.015, (255, 232, 150))
    canvas.polygon([(x - 0.05, top - 0.08), (x + 0.05, top - 0.08), (x, top - 0.13)], stripe)


def _draw_day_at_sea(canvas: Canvas, rng: random.Random) -> float:
    horizon = rng.uniform(0.42, 0.58)
    canvas.gradient(vary(rng, (92, 162, 222), 22), vary(rng, (206, 230, 244)), 0.0, horizon)
    for _ in range(rng.randint(1, 3)):
        draw_cloud(canvas, rng, rng.uniform(0.05, 0.95), rng.uniform(0.08, horizon - 0.14))
    near = vary(rng, (24, 96, 140), 20)
    canvas.gradient(shade(near, 1.5), near, horizon, 1.0)
    for _ in range(40):
        x, y = rng.random(), rng.uniform(horizon + 0.02, 0.99)
        length = 0.03 + 0.08 * (y - horizon)
        canvas.line([(x, y), (x + length, y)], 0.006, shade(near, rng.uniform(1.2, 1.8)))
    return horizon


def draw_cloud(canvas: Canvas, rng: random.Random, x: float, y: float) -> None:
    """Draw a small white cloud around (x, y)."""
    colour = vary(rng, (248, 250, 252), 5)
    for offset in (-0.08, -0.03, 0.03, 0.09):
        canvas.ellipse(x + offset, y - rng.uniform(0, 0.03), rng.uniform(0.05, 0.08), rng.uniform(0.025, 0.045), colour)


def _draw_bird(canvas: Canvas, x: float, y: float, size: float) -> None:
    canvas.line([(x - size, y - size * 0.5), (x, y), (x + size, y - size * 0.5)], 0.008, (50, 36, 52))
