"""The page: headline figures, facts and templates filled in, with nothing in it that has to be fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from data_loaders import __version__
from multimodal.evaluation.files.text_table import DASH, percent
from multimodal.evaluation.foreign import NOT_STATED
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.report.error_parts import (
    chances_chart,
    chances_rows,
    error_charts,
    frequency_table,
    hashtag_table,
    pair_table,
)
from multimodal.evaluation.report.gallery import NEAR_FROM, GalleryPost
from multimodal.evaluation.report.inputs import COLUMNS, ReportInputs
from multimodal.evaluation.report.metric_parts import (
    best_k_charts,
    further_metrics_table,
    metrics_table,
    sweep_charts,
    value_at,
    which_k_table,
)
from multimodal.evaluation.report.slice_parts import slice_charts, slices_chartable, slices_table
from multimodal.evaluation.report.text import clean_text, number, shortened
from multimodal.evaluation.report.thumbnails import thumbnail
from multimodal.evaluation.uncertainty.resampling import few_units

_HISTORY = {
    "rolling": "rolling: all strictly earlier posts are known when a post is ranked, those of this split included",
    NOT_STATED: "not stated: the predictions are those of another program",
    "frozen": "frozen: only the train split is known when a post is ranked",
}


class Tile(NamedTuple):
    """One headline figure."""

    value: str
    name: str
    interval: str = ""


def page(inputs: ReportInputs, shown: Mapping[str, Sequence[GalleryPost]]) -> str:
    """Return the whole page as HTML, with the posts shown in the gallery by heading."""
    errors, slices = inputs.errors, inputs.slices
    return environment().get_template("page.html.j2").render(
        inputs=inputs,
        title=title(inputs),
        run=Path(str(inputs.settings["run"])).name,
        tiles=headline(inputs),
        facts=facts(inputs),
        notes=[*inputs.settings.get("notes", ()), *few_units(inputs.intervals.units, inputs.intervals.unit)],
        metrics=metrics_table(inputs),
        further_metrics=further_metrics_table(inputs),
        sweep_charts=sweep_charts(inputs),
        best_k_charts=best_k_charts(inputs),
        which_k=None if inputs.which_k is None else which_k_table(inputs.which_k),
        slice_charts=[] if slices is None or not slices_chartable(slices) else slice_charts(slices),
        slices=None if slices is None else slices_table(slices),
        error_charts=[*error_charts(errors, inputs.chances),
                      *([] if inputs.reliability is None else [chances_chart(inputs.reliability)])],
        chances=None if inputs.reliability is None else chances_rows(inputs.reliability),
        frequency=frequency_table(errors),
        hashtags=hashtag_table(errors),
        pairs=pair_table(errors),
        gallery=shown,
        near_from=NEAR_FROM,
        version=__version__,
    )  # fmt: skip


def environment() -> Environment:
    """Return the environment of the templates: every value is cleaned and escaped unless it is markup already."""
    made = Environment(
        loader=PackageLoader("multimodal.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else clean_text(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "percent": percent, "shortened": shortened, "thumbnail": thumbnail}
    return made


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
        "Seed": DASH if settings["seed"] is None else settings["seed"],
        "Posts": f"{counts['posts']:,} with a true hashtag; {counts['posts_without_truth']:,} without are left out",
        "True hashtags": f"{counts['true_hashtags']:,}; {covered} of them in the train vocabulary, "
        f"{counts['true_hashtags_new']:,} never seen in train",
        "Memory": f"{settings['posts_remembered']:,} posts",
        "Short lists": f"{counts['posts_with_a_short_list']:,} posts; empty ranks count as misses",
        "Intervals": f"95 %, bootstrap over {inputs.intervals.units:,} {inputs.intervals.unit}",
    }
