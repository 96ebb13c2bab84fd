"""Scenes of open land: snowy peaks, a desert, hot-air balloons."""

from __future__ import annotations

import random

from data_loaders.sample.pictures.canvas import Canvas, Colour, blend, shade, vary
from data_loaders.sample.pictures.water import draw_cloud

_ENVELOPES: tuple[Colour, ...] = ((226, 66, 60), (250, 190, 58), (52, 120, 200), (120, 76, 170), (46, 160, 130))


def draw_snowy_peaks(canvas: Canvas, rng: random.Random) -> None:
    """Draw mountains with snow on top, behind a white field with firs."""
    canvas.gradient(vary(rng, (76, 134, 204), 24), vary(rng, (214, 228, 242)), 0.0, 0.8)
    canvas.ridge(0.62, 0.26, vary(rng, (148, 168, 196)), waves=2.0, rough=0.03)
    for _ in range(rng.randint(2, 3)):
        _draw_peak(canvas, rng)
    field = vary(rng, (236, 242, 250), 6)
    canvas.ridge(0.82, 0.08, shade(field, 0.94), waves=0.8)
    canvas.ridge(0.9, 0.08, field, waves=0.6)
    for _ in range(rng.randint(3, 8)):
        _draw_fir(canvas, rng.random(), rng.uniform(0.82, 0.98), rng.uniform(0.1, 0.2), vary(rng, (34, 66, 60)))


def draw_desert(canvas: Canvas, rng: random.Random) -> None:
    """Draw dunes, by day or at dusk, sometimes with a cactus."""
    dusk = rng.random() < 0.4
    high, low = ((122, 70, 120), (252, 170, 104)) if dusk else ((84, 160, 214), (244, 226, 190))
    canvas.gradient(vary(rng, high), vary(rng, low), 0.0, 0.7)
    x, y = rng.uniform(0.15, 0.85), rng.uniform(0.12, 0.34)
    canvas.glow(x, y, 0.25, (255, 240, 196), 0.7)
    canvas.disc(x, y, rng.uniform(0.04, 0.07), (255, 246, 214))
    sand = vary(rng, (226, 172, 104) if not dusk else (206, 132, 84), 12)
    for layer in range(4):
        base = 0.62 + 0.13 * layer
        canvas.ridge(base, rng.uniform(0.1, 0.18), shade(sand, 0.78 + 0.1 * layer), waves=rng.uniform(0.5, 1.1))
    for _ in range(rng.randint(0, 2)):
        _draw_cactus(canvas, rng.uniform(0.12, 0.88), rng.uniform(0.82, 0.95), rng.uniform(0.16, 0.3))


def draw_balloons(canvas: Canvas, rng: random.Random) -> None:
    """Draw hot-air balloons over low hills."""
    canvas.gradient(vary(rng, (108, 176, 228), 24), vary(rng, (250, 226, 204)), 0.0, 1.0)
    draw_cloud(canvas, rng, rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.6))
    hill = vary(rng, (108, 148, 92), 20)
    canvas.ridge(0.9, 0.12, blend(hill, (200, 210, 220), 0.4), waves=1.2)
    canvas.ridge(0.98, 0.12, hill, waves=0.9)
    for _ in range(rng.randint(1, 3)):
        _draw_balloon(canvas, rng, rng.uniform(0.12, 0.88), rng.uniform(0.38, 0.55), rng.uniform(0.045, 0.07))
    _draw_balloon(canvas, rng, rng.uniform(0.25, 0.75), rng.uniform(0.28, 0.46), rng.uniform(0.15, 0.22))


def _draw_peak(canvas: Canvas, rng: random.Random) -> None:
    x, top, half = rng.uniform(0.15, 0.85), rng.uniform(0.14, 0.36), rng.uniform(0.3, 0.46)
    rock = vary(rng, (96, 106, 126))
    canvas.polygon([(x - half, 0.9), (x, top), (x + half, 0.9)], rock)
    canvas.polygon([(x, top), (x + half, 0.9), (x + 0.12 * half, 0.9)], shade(rock, 0.76))
    share = rng.uniform(0.3, 0.42)
    fall = (0.9 - top) * share
    width = half * share
    cap = [(x - width, top + fall), (x, top), (x + width, top + fall)]
    cap += [
        (x + 0.5 * width, top + 0.72 * fall),
        (x + 0.1 * width, top + 1.1 * fall),
        (x - 0.4 * width, top + 0.76 * fall),
    ]
    canvas.polygon(cap, (246, 249, 255))
    canvas.polygon([(x, top), (x + width, top + fall), (x + 0.5 * width, top + 0.72 * fall)], (206, 218, 236))


def _draw_fir(canvas: Canvas, x: float, foot: float, height: float, colour: Colour) -> None:
    for tier in range(3):
        low, half = foot - tier * 0.28 * height, (0.26 - 0.06 * tier) * height
        canvas.polygon([(x - half, low), (x + half, low), (x, low - 0.46 * height)], colour)


def _draw_cactus(canvas: Canvas, x: float, foot: float, height: float) -> None:
    colour, width = (62, 110, 66), 0.17 * height
    canvas.line([(x, foot), (x, foot - height)], width, colour)
    canvas.disc(x, foot - height, width / 2, colour)
    for side, rise in ((-1, 0.4), (1, 0.55)):
        elbow = x + side * 0.26 * height
        arm = [(x, foot - rise * height), (elbow, foot - rise * height), (elbow, foot - (rise + 0.3) * height)]
        canvas.line(arm, width * 0.8, colour)
        canvas.disc(elbow, foot - (rise + 0.3) * height, width * 0.4, colour)


def _draw_balloon(canvas: Canvas, rng: random.Random, x: float, y: float, radius: float) -> None:
    first, second = rng.sample(_ENVELOPES, 2)
    canvas.polygon(
        [(x - 0.8 * radius, y + 0.55 * radius), (x + 0.8 * radius, y + 0.55 * radius), (x, y + 1.7 * radius)], first
    )
    for width, colour in ((1.0, first), (0.72, second), (0.4, first), (0.12, second)):
        canvas.ellipse(x, y, width * radius, 1.06 * radius, colour)
    canvas.line([(x - 0.2 * radius, y + 1.3 * radius), (x - 0.12 * radius, y + 1.8 * radius)], 0.006, (70, 50, 40))
    canvas.line([(x + 0.2 * radius, y + 1.3 * radius), (x + 0.12 * radius, y + 1.8 * radius)], 0.006, (70, 50, 40))
    canvas.rectangle(x - 0.17 * radius, y + 1.75 * radius, x + 0.17 * radius, y + 2.0 * radius, (112, 74, 48))
