"""Scenes on a table seen from above: a pizza, a coffee, citrus fruit. All share the table and a round centre."""

from __future__ import annotations

import math
import random

from data_loaders.sample.pictures.canvas import Canvas, Colour, shade, vary

_TABLES: tuple[Colour, ...] = ((150, 104, 66), (206, 170, 126), (92, 70, 58), (222, 220, 216), (120, 140, 150))
_FRUITS: tuple[tuple[Colour, Colour], ...] = (
    ((238, 130, 30), (252, 176, 70)),
    ((240, 206, 50), (252, 236, 130)),
    ((96, 160, 50), (196, 222, 120)),
    ((226, 96, 70), (244, 132, 116)),
)


def draw_pizza(canvas: Canvas, rng: random.Random) -> None:
    """Draw a pizza with toppings, cut into slices."""
    x, y, radius = _draw_table(canvas, rng)
    canvas.disc(x, y, radius, vary(rng, (206, 142, 72), 10))
    canvas.disc(x, y, 0.9 * radius, vary(rng, (200, 70, 40), 10))
    canvas.disc(x, y, 0.86 * radius, vary(rng, (246, 202, 104), 8))
    for _ in range(rng.randint(8, 12)):
        spot = _inside(rng, x, y, 0.7 * radius)
        canvas.disc(*spot, 0.115 * radius, vary(rng, (190, 52, 42), 12))
        canvas.disc(*spot, 0.07 * radius, (206, 76, 60))
    for _ in range(rng.randint(4, 8)):
        left, top = _inside(rng, x, y, 0.7 * radius)
        canvas.ellipse(left, top, 0.09 * radius, 0.05 * radius, vary(rng, (50, 120, 46)))
    turn = rng.uniform(0, math.pi)
    for cut in range(4):
        reach = (radius * math.cos(turn + cut * math.pi / 4), radius * math.sin(turn + cut * math.pi / 4))
        canvas.line([(x - reach[0], y - reach[1]), (x + reach[0], y + reach[1])], 0.005, (176, 110, 60))


def draw_coffee(canvas: Canvas, rng: random.Random) -> None:
    """Draw a cup of coffee with milk foam on a saucer."""
    x, y, radius = _draw_table(canvas, rng)
    china = vary(rng, rng.choice(((246, 244, 240), (196, 214, 220), (226, 190, 176), (70, 84, 100))), 8)
    canvas.disc(x, y, radius, shade(china, 0.95))
    canvas.ring(x, y, 0.8 * radius, 0.008, shade(china, 0.84))
    angle = rng.uniform(0, 2 * math.pi)
    grip = (x + 0.74 * radius * math.cos(angle), y + 0.74 * radius * math.sin(angle))
    canvas.ring(*grip, 0.16 * radius, 0.05 * radius, shade(china, 0.82))
    canvas.disc(x, y, 0.64 * radius, china)
    brew = vary(rng, (116, 68, 36), 12)
    canvas.disc(x, y, 0.54 * radius, brew)
    foam, half = vary(rng, (232, 204, 166), 8), 0.17 * radius
    canvas.ring(x, y, 0.5 * radius, 0.02, shade(brew, 1.3))
    canvas.disc(x - 0.9 * half, y - 0.4 * half, half, foam)
    canvas.disc(x + 0.9 * half, y - 0.4 * half, half, foam)
    canvas.polygon([(x - 1.75 * half, y), (x + 1.75 * half, y), (x, y + 2.1 * half)], foam)


def draw_citrus(canvas: Canvas, rng: random.Random) -> None:
    """Draw cut citrus fruit on a plate."""
    x, y, radius = _draw_table(canvas, rng)
    plate = vary(rng, (242, 242, 244), 8)
    canvas.disc(x, y, radius, plate)
    canvas.ring(x, y, 0.84 * radius, 0.01, shade(plate, 0.88))
    turn, count = rng.uniform(0, 2 * math.pi), rng.randint(2, 4)
    for piece in range(count):
        angle = turn + 2 * math.pi * piece / count
        middle = (x + 0.42 * radius * math.cos(angle), y + 0.42 * radius * math.sin(angle))
        _draw_slice(canvas, rng, middle, rng.uniform(0.34, 0.42) * radius)


def _draw_slice(canvas: Canvas, rng: random.Random, centre: tuple[float, float], radius: float) -> None:
    rind, flesh = rng.choice(_FRUITS)
    canvas.disc(*centre, radius, vary(rng, rind, 8))
    canvas.disc(*centre, 0.9 * radius, (252, 246, 226))
    turn = rng.uniform(0, 40)
    for wedge in range(9):
        canvas.pie(*centre, 0.84 * radius, turn + 40 * wedge + 4, turn + 40 * wedge + 36, vary(rng, flesh, 8))


def _draw_table(canvas: Canvas, rng: random.Random) -> tuple[float, float, float]:
    """Draw the table and the shadow of what will stand on it; return the round centre (x, y, radius)."""
    table = vary(rng, rng.choice(_TABLES))
    canvas.gradient(table, shade(table, 0.9))
    planks = rng.randint(3, 6)
    for plank in range(1, planks):
        y = (plank + rng.uniform(-0.1, 0.1)) / planks
        canvas.line([(0, y), (1, y)], 0.008, shade(table, 0.78))
    for _ in range(24):
        left, y = rng.random(), rng.random()
        canvas.line([(left, y), (left + rng.uniform(0.05, 0.2), y)], 0.004, shade(table, rng.uniform(0.86, 1.1)))
    x, y, radius = rng.uniform(0.42, 0.58), rng.uniform(0.42, 0.58), rng.uniform(0.33, 0.41)
    canvas.disc(x + 0.02, y + 0.03, radius * 1.02, shade(table, 0.62))
    if rng.random() < 0.5:
        side = rng.choice((0.06, 0.94))
        canvas.line([(side, 0.2), (side, 0.8)], 0.022, (190, 192, 198))
        canvas.ellipse(side, 0.22, 0.03, 0.07, (206, 208, 214))
    return x, y, radius


def _inside(rng: random.Random, x: float, y: float, radius: float) -> tuple[float, float]:
    angle, reach = rng.uniform(0, 2 * math.pi), radius * math.sqrt(rng.random())
    return x + reach * math.cos(angle), y + reach * math.sin(angle)
