"""Pictures that show no scene: too dark, out of focus, or a screenshot."""

from __future__ import annotations

import random

from data_loaders.sample.pictures.canvas import Canvas, shade, vary


def draw_unhelpful(canvas: Canvas, rng: random.Random) -> None:
    """Draw one of the three kinds of picture that show no scene."""
    rng.choice((_draw_dark, _draw_out_of_focus, _draw_screenshot))(canvas, rng)


def _draw_dark(canvas: Canvas, rng: random.Random) -> None:
    canvas.gradient(vary(rng, (18, 16, 20), 8), vary(rng, (30, 26, 30), 10))
    for _ in range(rng.randint(2, 5)):
        canvas.glow(rng.random(), rng.random(), rng.uniform(0.1, 0.4), vary(rng, (62, 54, 56), 24), 0.7)


def _draw_out_of_focus(canvas: Canvas, rng: random.Random) -> None:
    canvas.gradient(vary(rng, (128, 122, 118), 50), vary(rng, (104, 100, 104), 50))
    for _ in range(7):
        canvas.ellipse(
            rng.random(), rng.random(), rng.uniform(0.1, 0.3), rng.uniform(0.1, 0.3), vary(rng, (134, 124, 122), 80)
        )
    canvas.blur(0.07)


def _draw_screenshot(canvas: Canvas, rng: random.Random) -> None:
    page = rng.choice(((250, 250, 252), (30, 32, 38)))
    ink = shade(page, 0.7) if page[0] > 128 else (104, 108, 118)
    canvas.gradient(page, page)
    canvas.rectangle(0, 0, 1, 0.08, vary(rng, ink, 20))
    y = rng.uniform(0.13, 0.2)
    while y < 0.93:
        height, left = rng.uniform(0.02, 0.045), rng.choice((0.08, 0.08, 0.3))
        if rng.random() < 0.2:
            canvas.rectangle(left, y, left + rng.uniform(0.2, 0.5), y + 0.1, vary(rng, ink, 30))
            y += 0.1
        else:
            canvas.rectangle(left, y, rng.uniform(left + 0.15, 0.94), y + height, vary(rng, ink, 12))
        y += height + rng.uniform(0.02, 0.05)
