"""Scenes among plants: a green and an autumn forest (one drawing, two palettes) and a flower."""

from __future__ import annotations

import math
import random

from data_loaders.sample.pictures.canvas import Canvas, Colour, blend, shade, vary

_PETALS: tuple[Colour, ...] = ((234, 90, 130), (250, 198, 60), (250, 250, 246), (150, 96, 200), (240, 110, 60))


def draw_green_forest(canvas: Canvas, rng: random.Random) -> None:
    """Draw a forest in summer."""
    leaves: tuple[Colour, ...] = ((52, 120, 56), (84, 152, 68), (34, 96, 58))
    _draw_forest(canvas, rng, (206, 228, 190), leaves, (74, 100, 52))


def draw_autumn_forest(canvas: Canvas, rng: random.Random) -> None:
    """Draw the same forest when its leaves turn red and yellow."""
    leaves: tuple[Colour, ...] = ((214, 98, 36), (236, 164, 48), (172, 58, 38))
    _draw_forest(canvas, rng, (244, 222, 184), leaves, (150, 92, 48))


def draw_flower(canvas: Canvas, rng: random.Random) -> None:
    """Draw one large flower before a blurred meadow."""
    canvas.gradient(vary(rng, (120, 164, 96), 26), vary(rng, (52, 98, 58), 20))
    for _ in range(9):
        canvas.glow(rng.random(), rng.random(), rng.uniform(0.06, 0.18), vary(rng, (196, 216, 150), 40), 0.5)
    canvas.blur(0.015)
    x, y, radius = rng.uniform(0.34, 0.66), rng.uniform(0.32, 0.5), rng.uniform(0.22, 0.32)
    stem = vary(rng, (58, 124, 54))
    canvas.line([(x, y), (x + rng.uniform(-0.08, 0.08), 1.0)], 0.03, stem)
    canvas.ellipse(x + rng.choice((-0.12, 0.12)), 0.86, 0.12, 0.045, shade(stem, 1.15))
    colour, petals, turn = vary(rng, rng.choice(_PETALS), 10), rng.randint(6, 11), rng.random()
    for layer, (length, tone) in enumerate(((1.0, 0.86), (0.9, 1.0))):
        for petal in range(petals):
            angle = 2 * math.pi * (petal + turn + 0.5 * layer) / petals
            _draw_petal(canvas, (x, y), angle, radius * length, 1.7 * radius / petals, shade(colour, tone))
    heart = (240, 180, 40) if colour[0] < 200 or colour[2] > 90 else (98, 60, 34)
    canvas.disc(x, y, 0.3 * radius, heart)
    canvas.disc(x, y, 0.18 * radius, shade(heart, 0.8))


def _draw_petal(
    canvas: Canvas, centre: tuple[float, float], angle: float, length: float, width: float, colour: Colour
) -> None:
    along, across = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    outline: list[tuple[float, float]] = []
    for step in range(17):
        turn = 2 * math.pi * step / 16
        forward, sideways = length * (0.5 - 0.5 * math.cos(turn)), 1.5 * width * math.sin(turn)
        outline.append(
            (
                centre[0] + forward * along[0] + sideways * across[0],
                centre[1] + forward * along[1] + sideways * across[1],
            )
        )
    canvas.polygon(outline, colour)


def _draw_forest(canvas: Canvas, rng: random.Random, mist: Colour, leaves: tuple[Colour, ...], ground: Colour) -> None:
    mist, ground = vary(rng, mist), vary(rng, ground)
    canvas.gradient(mist, blend(mist, leaves[1], 0.45), 0.0, 0.8)
    canvas.glow(rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.45), 0.45, (255, 252, 226), 0.6)
    canvas.gradient(blend(mist, ground, 0.6), shade(ground, 0.8), rng.uniform(0.68, 0.76), 1.0)
    for depth in range(3):
        trunk = blend(mist, (74, 54, 42), 0.35 + 0.32 * depth)
        foot = 0.74 + 0.08 * depth
        for _ in range(5 - depth):
            x, width = rng.random(), (0.018 + 0.018 * depth) * rng.uniform(0.8, 1.3)
            lean = rng.uniform(-0.02, 0.02)
            canvas.polygon(
                [(x - width, foot), (x + width, foot), (x + 0.6 * width + lean, 0), (x - 0.6 * width + lean, 0)], trunk
            )
        for _ in range(15):
            colour = blend(mist, vary(rng, rng.choice(leaves)), 0.5 + 0.25 * depth)
            size = rng.uniform(0.05, 0.1)
            canvas.ellipse(rng.random(), rng.uniform(-0.04, 0.3 - 0.06 * depth), size * 1.3, size, colour)
    for _ in range(26):
        canvas.ellipse(rng.random(), rng.uniform(0.8, 1.0), 0.014, 0.008, vary(rng, rng.choice(leaves), 20))
