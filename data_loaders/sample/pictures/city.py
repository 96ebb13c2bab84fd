"""Scenes of the city: a skyline at night, a bicycle by a wall, an umbrella in the rain."""

from __future__ import annotations

import math
import random

from data_loaders.sample.pictures.canvas import Canvas, Colour, blend, shade, vary

_WALLS: tuple[Colour, ...] = ((236, 206, 172), (196, 214, 206), (226, 180, 168), (206, 204, 222), (242, 224, 150))
_VIVID: tuple[Colour, ...] = ((206, 46, 50), (30, 110, 160), (40, 130, 90), (230, 150, 30), (60, 50, 60))


def draw_city_night(canvas: Canvas, rng: random.Random) -> None:
    """Draw towers with lit windows under a dark sky."""
    high = vary(rng, (14, 16, 44), 10)
    canvas.gradient(high, vary(rng, (66, 50, 104), 20), 0.0, 1.0)
    if rng.random() < 0.5:
        canvas.disc(rng.uniform(0.12, 0.88), rng.uniform(0.1, 0.24), rng.uniform(0.04, 0.07), (244, 240, 214))
    for _ in range(16):
        canvas.disc(rng.random(), rng.uniform(0, 0.4), 0.004, (230, 230, 250))
    for depth, tone in enumerate(((52, 50, 92), (24, 24, 48))):
        left = rng.uniform(-0.08, 0.0)
        while left < 1.0:
            width = rng.uniform(0.11, 0.2)
            _draw_tower(canvas, rng, (left, left + width), rng.uniform(0.22, 0.55) + 0.14 * depth, vary(rng, tone, 6))
            left += width + rng.uniform(0.0, 0.03)
    canvas.gradient((30, 28, 52), (16, 16, 30), 0.93, 1.0)
    for _ in range(9):
        canvas.glow(rng.random(), rng.uniform(0.92, 0.98), 0.05, rng.choice(((255, 196, 96), (255, 90, 80))), 0.9)


def draw_bicycle(canvas: Canvas, rng: random.Random) -> None:
    """Draw a bicycle leaning on a painted wall."""
    wall, floor = vary(rng, rng.choice(_WALLS)), rng.uniform(0.74, 0.82)
    canvas.gradient(wall, shade(wall, 0.92), 0.0, floor)
    canvas.gradient(vary(rng, (150, 146, 144)), (112, 108, 108), floor, 1.0)
    if rng.random() < 0.6:
        x, y = rng.uniform(0.05, 0.7), rng.uniform(0.04, 0.14)
        canvas.rectangle(x, y, x + 0.24, y + 0.26, shade(wall, 0.72))
        canvas.rectangle(x + 0.02, y + 0.02, x + 0.22, y + 0.24, (150, 190, 210))
    colour, scale = vary(rng, rng.choice(_VIVID)), rng.uniform(0.9, 1.12)
    x, y, radius = rng.uniform(0.45, 0.55), floor - 0.06, 0.165 * scale
    back, front = (x - 0.24 * scale, y), (x + 0.24 * scale, y)
    for wheel in (back, front):
        _draw_wheel(canvas, wheel, radius)
    pedal, seat = (x - 0.02, y), (x - 0.09 * scale, y - 0.25 * scale)
    head = (x + 0.16 * scale, y - 0.25 * scale)
    for start, end in ((back, pedal), (back, seat), (pedal, seat), (pedal, head), (seat, head), (head, front)):
        canvas.line([start, end], 0.02, colour)
    canvas.line([seat, (seat[0] - 0.012, seat[1] - 0.05)], 0.018, (60, 60, 64))
    canvas.ellipse(seat[0] - 0.015, seat[1] - 0.06, 0.06, 0.018, (44, 40, 40))
    bar = (head[0] - 0.01, head[1] - 0.09)
    canvas.line([head, bar, (bar[0] + 0.07, bar[1] + 0.01)], 0.018, (60, 60, 64))
    canvas.disc(*pedal, 0.028, (70, 70, 74))


def draw_umbrella(canvas: Canvas, rng: random.Random) -> None:
    """Draw someone under an umbrella on a wet street."""
    grey = vary(rng, (126, 142, 160), 16)
    canvas.gradient(shade(grey, 0.8), shade(grey, 1.25), 0.0, 0.78)
    for _ in range(5):
        left = rng.uniform(-0.1, 0.95)
        top, tone = rng.uniform(0.08, 0.4), blend(grey, (90, 96, 110), 0.4)
        canvas.rectangle(left, top, left + rng.uniform(0.12, 0.24), 0.78, vary(rng, tone, 8))
    canvas.gradient(shade(grey, 0.62), shade(grey, 0.86), 0.78, 1.0)
    x, y, radius = rng.uniform(0.3, 0.7), rng.uniform(0.36, 0.46), rng.uniform(0.22, 0.29)
    colour = vary(rng, rng.choice(_VIVID[:4]))
    canvas.ellipse(x, 0.95, 0.2, 0.03, blend(colour, grey, 0.55))
    coat = vary(rng, (58, 56, 74), 16)
    canvas.polygon([(x - 0.07, y + 0.12), (x + 0.09, y + 0.12), (x + 0.12, 0.83), (x - 0.1, 0.83)], coat)
    canvas.line([(x - 0.03, 0.82), (x - 0.03, 0.93)], 0.035, shade(coat, 0.7))
    canvas.line([(x + 0.05, 0.82), (x + 0.05, 0.93)], 0.035, shade(coat, 0.7))
    canvas.disc(x + 0.01, y + 0.08, 0.055, vary(rng, (196, 152, 122), 24))
    canvas.pie(x, y, radius, 180, 360, colour)
    canvas.pie(x, y, radius, 228, 268, shade(colour, 1.25))
    canvas.pie(x, y, radius, 312, 360, shade(colour, 0.8))
    canvas.line([(x, y - radius - 0.03), (x, y - radius)], 0.012, (40, 40, 44))
    for _ in range(60):
        left, top = rng.random(), rng.random()
        canvas.line([(left, top), (left - 0.015, top + 0.06)], 0.004, (206, 216, 228))


def _draw_tower(canvas: Canvas, rng: random.Random, sides: tuple[float, float], top: float, colour: Colour) -> None:
    left, right = sides
    canvas.rectangle(left, top, right, 1.0, colour)
    lamp = rng.choice(((255, 220, 130), (255, 240, 190), (160, 210, 255)))
    columns = max(2, round((right - left) / 0.045))
    pitch = (right - left) / columns
    for row in range(int((0.92 - top) / 0.055)):
        for column in range(columns):
            if rng.random() < 0.5:
                x, y = left + (column + 0.25) * pitch, top + 0.03 + 0.055 * row
                canvas.rectangle(x, y, x + 0.5 * pitch, y + 0.028, shade(lamp, rng.uniform(0.6, 1.0)))


def _draw_wheel(canvas: Canvas, centre: tuple[float, float], radius: float) -> None:
    for spoke in range(6):
        angle = math.pi * spoke / 6
        reach = (radius * math.cos(angle), radius * math.sin(angle))
        ends = [(centre[0] - reach[0], centre[1] - reach[1]), (centre[0] + reach[0], centre[1] + reach[1])]
        canvas.line(ends, 0.004, (120, 120, 126))
    canvas.ring(*centre, radius, 0.02, (38, 38, 42))
