"""Scenes at home: a cat and a dog on the same window sill, and a portrait."""

from __future__ import annotations

import random

from data_loaders.sample.pictures.canvas import Canvas, Colour, blend, shade, vary

_WALLS: tuple[Colour, ...] = ((226, 206, 186), (170, 190, 200), (216, 176, 166), (190, 200, 170), (236, 226, 206))
_FURS: tuple[Colour, ...] = ((44, 38, 40), (110, 74, 48), (196, 128, 66), (96, 92, 96), (70, 52, 44))
_SKINS: tuple[Colour, ...] = ((246, 212, 184), (226, 178, 142), (184, 130, 94), (126, 84, 60), (92, 60, 46))
_HAIRS: tuple[Colour, ...] = ((40, 28, 24), (96, 58, 34), (206, 160, 86), (150, 62, 36), (120, 118, 122))
_CLOTHES: tuple[Colour, ...] = ((200, 70, 70), (52, 96, 150), (80, 130, 90), (232, 190, 80), (90, 70, 120))


def draw_cat(canvas: Canvas, rng: random.Random) -> None:
    """Draw a cat on a window sill: round head, pointed ears, a long tail."""
    sill = _draw_window(canvas, rng)
    fur, x, scale = vary(rng, rng.choice(_FURS), 8), rng.uniform(0.36, 0.64), rng.uniform(0.92, 1.18)
    side = rng.choice((-1, 1))
    tail = [(x - side * 0.1 * scale, sill - 0.03), (x - side * 0.26 * scale, sill - 0.02)]
    tail += [(x - side * 0.31 * scale, sill + 0.06), (x - side * 0.27 * scale, sill + 0.13)]
    canvas.line(tail, 0.035 * scale, fur)
    canvas.ellipse(x, sill - 0.14 * scale, 0.13 * scale, 0.17 * scale, fur)
    head = (x + side * 0.02, sill - 0.36 * scale)
    canvas.disc(*head, 0.1 * scale, fur)
    for ear in (-1, 1):
        left, right = head[0] + ear * 0.1 * scale, head[0] + ear * 0.02 * scale
        canvas.polygon(
            [(left, head[1] - 0.03 * scale), (right, head[1] - 0.07 * scale), (left, head[1] - 0.17 * scale)], fur
        )
        canvas.ellipse(head[0] + ear * 0.042 * scale, head[1], 0.016, 0.02, (206, 214, 90))
        canvas.ellipse(head[0] + ear * 0.042 * scale, head[1], 0.006, 0.018, (20, 20, 20))
        canvas.line([head, (head[0] + ear * 0.15 * scale, head[1] + 0.04)], 0.004, shade(fur, 1.7))


def draw_dog(canvas: Canvas, rng: random.Random) -> None:
    """Draw a dog on a window sill: long muzzle, hanging ears, a collar."""
    sill = _draw_window(canvas, rng)
    fur, x, scale = vary(rng, rng.choice(_FURS), 8), rng.uniform(0.36, 0.64), rng.uniform(0.92, 1.18)
    side = rng.choice((-1, 1))
    canvas.line([(x - side * 0.1, sill - 0.04), (x - side * 0.22 * scale, sill - 0.13 * scale)], 0.04 * scale, fur)
    canvas.ellipse(x, sill - 0.15 * scale, 0.15 * scale, 0.18 * scale, fur)
    canvas.ellipse(x + side * 0.05, sill - 0.1 * scale, 0.06 * scale, 0.1 * scale, blend(fur, (240, 226, 206), 0.5))
    head = (x + side * 0.05, sill - 0.37 * scale)
    canvas.line(
        [(head[0] - 0.07, head[1] + 0.13 * scale), (head[0] + 0.07, head[1] + 0.13 * scale)], 0.03, (206, 50, 50)
    )
    canvas.ellipse(*head, 0.11 * scale, 0.12 * scale, fur)
    nose = (head[0] + side * 0.13 * scale, head[1] + 0.05 * scale)
    canvas.ellipse(nose[0] - side * 0.03, nose[1], 0.09 * scale, 0.055 * scale, blend(fur, (240, 226, 206), 0.45))
    canvas.disc(nose[0] + side * 0.045, nose[1] - 0.015, 0.022 * scale, (24, 20, 22))
    canvas.disc(head[0] + side * 0.045 * scale, head[1] - 0.03, 0.015, (20, 18, 20))
    for ear in (-0.105, 0.02):
        canvas.ellipse(head[0] + side * ear * scale, head[1] + 0.02, 0.042 * scale, 0.12 * scale, shade(fur, 0.7))


def draw_portrait(canvas: Canvas, rng: random.Random) -> None:
    """Draw head and shoulders before a soft background."""
    back = vary(rng, rng.choice(_WALLS), 24)
    canvas.gradient(back, shade(back, 0.74))
    for _ in range(6):
        canvas.glow(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.08, 0.2), shade(back, 1.2), 0.6)
    skin, hair = vary(rng, rng.choice(_SKINS), 8), vary(rng, rng.choice(_HAIRS), 8)
    x, y, scale = rng.uniform(0.4, 0.6), rng.uniform(0.4, 0.48), rng.uniform(0.9, 1.15)
    if rng.random() < 0.5:
        canvas.ellipse(x, y + 0.1 * scale, 0.235 * scale, 0.34 * scale, shade(hair, 0.85))
    canvas.ellipse(x, 1.04, 0.38 * scale, 0.28, vary(rng, rng.choice(_CLOTHES)))
    canvas.rectangle(x - 0.065 * scale, y + 0.12 * scale, x + 0.065 * scale, y + 0.36 * scale, shade(skin, 0.86))
    canvas.ellipse(x, y - 0.05 * scale, 0.195 * scale, 0.22 * scale, hair)
    canvas.ellipse(x, y + 0.02 * scale, 0.16 * scale, 0.2 * scale, skin)
    canvas.ellipse(x, y - 0.15 * scale, 0.165 * scale, 0.075 * scale, hair)
    for eye in (-1, 1):
        canvas.ellipse(x + eye * 0.065 * scale, y, 0.026 * scale, 0.017 * scale, (250, 250, 250))
        canvas.disc(x + eye * 0.065 * scale, y, 0.014 * scale, (50, 36, 30))
        brow = x + eye * 0.065 * scale
        canvas.line([(brow - 0.03, y - 0.045 * scale), (brow + 0.03, y - 0.045 * scale)], 0.012, shade(hair, 0.8))
    canvas.line([(x, y + 0.02), (x - 0.012, y + 0.07 * scale), (x + 0.012, y + 0.07 * scale)], 0.008, shade(skin, 0.78))
    canvas.arc(x, y + 0.08 * scale, 0.065 * scale, 25, 155, 0.014, (176, 60, 60))


def _draw_window(canvas: Canvas, rng: random.Random) -> float:
    """Draw a wall with a window and its sill; return the height of the sill."""
    wall, sill = vary(rng, rng.choice(_WALLS)), rng.uniform(0.76, 0.83)
    canvas.gradient(wall, shade(wall, 0.92))
    left, right, top = rng.uniform(0.08, 0.16), rng.uniform(0.84, 0.92), rng.uniform(0.05, 0.12)
    frame = vary(rng, (246, 244, 238), 6)
    canvas.rectangle(left - 0.04, top - 0.04, right + 0.04, sill, frame)
    high, low = rng.choice(
        (((130, 186, 230), (226, 238, 246)), ((240, 170, 120), (252, 226, 180)), ((150, 166, 190), (220, 224, 230)))
    )
    for row in range(24):
        share, height = row / 24, (sill - top) / 24
        canvas.rectangle(left, top + row * height, right, top + (row + 1.2) * height, blend(high, low, share))
    canvas.rectangle((left + right) / 2 - 0.014, top, (left + right) / 2 + 0.014, sill, frame)
    canvas.rectangle(left - 0.08, sill, right + 0.08, sill + 0.05, shade(frame, 0.94))
    canvas.rectangle(left - 0.06, sill + 0.05, right + 0.06, sill + 0.065, shade(wall, 0.76))
    return sill
