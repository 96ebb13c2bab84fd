"""What was evaluated: the headline figures and the facts on top of the page."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from multimodal.evaluation.files.text_table import percent
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.report.inputs import COLUMNS, ReportInputs
from multimodal.evaluation.report.metric_parts import value_at
from multimodal.evaluation.report.text import number

_HISTORY = {
    "rolling": "rolling: all strictly earlier posts are known when a post is ranked, those of this split included",
    "frozen": "frozen: only the train split is known when a post is ranked",
}


class Tile(NamedTuple):
    """One headline figure."""

    value: str
    name: str
    interval: str = ""


def title(inputs: ReportInputs) -> str:
    """Return the title of the page."""
    settings = inputs.settings
    return f"{settings['system']} on {Path(str(settings['data'])).name}, {settings['split']} split"


def headline(inputs: ReportInputs) -> list[Tile]:
    """Return the headline figures."""
    tiles = [Tile(str(inputs.k), "best K by F1")]
    for name in COLUMNS[:5]:
        value, low, high = value_at(inputs, name, inputs.k)
        tiles.append(Tile(number(value), f"{METRICS[name].label}@{inputs.k}", f"{number(low)}–{number(high)}"))
    return [*tiles, Tile(f"{inputs.counts['posts']:,}", "posts evaluated")]


def facts(inputs: ReportInputs) -> dict[str, str]:
    """Return what was evaluated and how, by name."""
    settings, counts = inputs.settings, inputs.counts
    covered = percent(counts["true_hashtags_in_vocabulary"] / counts["true_hashtags"], 1)
    return {
        "System": settings["system"],
        "Run": Path(str(settings["run"])).name,
        "Data": Path(str(settings["data"])).name,
        "Split": settings["split"],
        "History": _HISTORY.get(settings["history"], settings["history"]),
        "Seed": settings["seed"],
        "Posts": f"{counts['posts']:,} with a true hashtag; {counts['posts_without_truth']:,} without are left out",
        "True hashtags": f"{counts['true_hashtags']:,}; {covered} of them in the train vocabulary, "
        f"{counts['true_hashtags_new']:,} never seen in train",
        "Memory": f"{settings['posts_remembered']:,} posts",
        "Short lists": f"{counts['posts_with_a_short_list']:,} posts; empty ranks count as misses",
        "Intervals": f"95 %, bootstrap over {inputs.intervals.units:,} {inputs.intervals.unit}",
    }
