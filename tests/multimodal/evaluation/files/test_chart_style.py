"""The look of charts: colours that can be seen in light and dark, and settings that do not outlast a chart."""

from __future__ import annotations

import pytest

from multimodal.evaluation.files.chart_style import COLOURS, DASHES, chart_style

# Backgrounds of the report's charts; WCAG asks for a contrast of 3 for graphics.
BACKGROUNDS = {"light": "#ffffff", "dark": "#1c2228"}


def luminance(colour):
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]
    return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("background", BACKGROUNDS.values(), ids=BACKGROUNDS)
def test_every_colour_stands_out(background):
    for colour in COLOURS:
        low, high = sorted([luminance(colour), luminance(background)])
        assert (high + 0.05) / (low + 0.05) >= 3, colour


def test_every_colour_has_a_dash_of_its_own():
    assert len(set(DASHES)) == len(DASHES) == len(set(COLOURS)) == len(COLOURS)


def test_settings_end_with_the_chart():
    from matplotlib import rcParams

    before = dict(rcParams)
    with chart_style():
        assert not rcParams["axes.spines.top"]
    assert dict(rcParams) == before
