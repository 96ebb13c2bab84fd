"""The page: the templates filled in, with nothing in it that has to be fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from multimodal.evaluation.files.text_table import percent
from multimodal.evaluation.report.error_parts import error_charts, frequency_table, hashtag_table, pair_table
from multimodal.evaluation.report.gallery import NEAR_FROM, GalleryPost
from multimodal.evaluation.report.inputs import ReportInputs
from multimodal.evaluation.report.metric_parts import (
    best_k_charts,
    further_metrics_table,
    metrics_table,
    sweep_charts,
    which_k_table,
)
from multimodal.evaluation.report.slice_parts import slice_charts, slices_chartable, slices_table
from multimodal.evaluation.report.summary import facts, headline, title
from multimodal.evaluation.report.text import clean_text, number, shortened
from multimodal.evaluation.report.thumbnails import thumbnail


def page(inputs: ReportInputs, shown: Mapping[str, Sequence[GalleryPost]]) -> str:
    """Return the whole page as HTML, with the posts shown in the gallery by heading."""
    from multimodal import __version__

    errors, slices = inputs.errors, inputs.slices
    return environment().get_template("page.html.j2").render(
        inputs=inputs,
        title=title(inputs),
        run=Path(str(inputs.settings["run"])).name,
        tiles=headline(inputs),
        facts=facts(inputs),
        metrics=metrics_table(inputs),
        further_metrics=further_metrics_table(inputs),
        sweep_charts=sweep_charts(inputs),
        best_k_charts=best_k_charts(inputs),
        which_k=None if inputs.which_k is None else which_k_table(inputs.which_k),
        slice_charts=[] if slices is None or not slices_chartable(slices) else slice_charts(slices),
        slices=None if slices is None else slices_table(slices),
        error_charts=error_charts(errors),
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
