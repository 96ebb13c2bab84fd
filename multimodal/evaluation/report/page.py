"""The page: its sections put together, with nothing in it that would have to be fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from multimodal.evaluation.report.error_section import error_section
from multimodal.evaluation.report.gallery import Shown
from multimodal.evaluation.report.gallery_html import gallery_section
from multimodal.evaluation.report.inputs import ReportInputs
from multimodal.evaluation.report.k_sections import figures_section, k_section, which_k_section
from multimodal.evaluation.report.parts import escape
from multimodal.evaluation.report.sections import audit_section, subject_section, tiles
from multimodal.evaluation.report.slices_section import slices_section
from multimodal.evaluation.report.style import CSS

_LINKS = {
    "subject": "What was evaluated",
    "metrics": "Metrics at K",
    "figures": "Figures",
    "which-k": "Which K?",
    "slices": "Slices",
    "errors": "Errors",
    "audit": "Audit",
    "gallery": "Posts",
}


def page(inputs: ReportInputs, shown: Mapping[str, Sequence[Shown]]) -> str:
    """Return the whole page as HTML.

    Args:
        inputs: of one evaluation.
        shown: the posts of the gallery.
    """
    from multimodal import __version__

    settings = inputs.settings
    data = Path(str(settings["data"])).name
    title = f"{settings['system']} on {data}, {settings['split']} split"
    links = "".join(f'<a href="#{anchor}">{escape(name)}</a>' for anchor, name in _LINKS.items())
    sections = [
        subject_section(inputs),
        k_section(inputs),
        figures_section(inputs),
        which_k_section(inputs),
        slices_section(inputs),
        error_section(inputs.errors),
        audit_section(inputs),
        gallery_section(shown, inputs.judged_k),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{CSS}</style></head><body>"
        f'<header class="top"><p class="kicker">Hashtag recommendation · evaluation report</p><h1>{escape(title)}</h1>'
        f'<p class="lead">History {escape(settings["history"])}, {inputs.counts["posts"]:,} posts, run '
        f"{escape(Path(str(settings['run'])).name)}.</p>{tiles(inputs)}<nav>{links}</nav></header>"
        f"<main>{''.join(sections)}</main>"
        f"<footer>Made by multimodal {escape(__version__)}. Every figure can be computed again from "
        "<code>predictions.parquet</code> and <code>per_post.parquet</code> beside this page; definitions are in "
        "<code>docs/metrics.md</code>.</footer></body></html>\n"
    )
