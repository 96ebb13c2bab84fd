"""One page for several systems: facts, curves and tables, with nothing in it that has to be fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from multimodal.evaluation.comparison.curves import SystemCurves
from multimodal.evaluation.comparison.pictures import MOST_BANDS
from multimodal.evaluation.files.text_table import TextTable
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.report.charts import Axis, Chart, Series, line_chart
from multimodal.evaluation.report.page import environment
from multimodal.evaluation.report.tables import Table, from_text

_GAP = 1.08


@dataclass(frozen=True)
class Part:
    """A section of the page.

    Attributes:
        lead: a sentence below the heading.
        facts: name → value.
        notes: what the reader must know, without full stops.
        tables: each with its title.
    """

    heading: str
    lead: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[tuple[str, Table]] = ()


def systems_page(title: str, kicker: str, lead: str, parts: Sequence[Part]) -> str:
    """Return the page as HTML; parts without charts, tables, facts and notes are left out."""
    from data_loaders import __version__

    held = [part for part in parts if part.facts or part.notes or part.charts or part.tables]
    template = environment().get_template("systems.html.j2")
    return template.render(title=title, kicker=kicker, lead=lead, parts=held, version=__version__)


def tables_of(tables: Sequence[TextTable]) -> list[tuple[str, Table]]:
    """Return tables of text for a page, each with its title."""
    return [(table.title, from_text(table)) for table in tables]


def curve_charts(curves: SystemCurves) -> list[Chart]:
    """Draw every metric of all systems against K."""
    return [_chart(curves, column) for column in curves.columns]


def _chart(curves: SystemCurves, column: str) -> Chart:
    banded = len(curves.curves) <= MOST_BANDS
    series = []
    for name, held in curves.curves.items():
        curve = held[column]
        low, high = (curve.low, curve.high) if banded else (None, None)
        series.append(Series(name, curves.ks, curve.value, low, high, ring=curves.best_k[name]))
    label = METRICS.label(column)
    tops = [held[column].high if banded else held[column].value for held in curves.curves.values()]
    y = Axis("", 0, _GAP * max(float(np.nanmax(top, initial=0)) for top in tops) or 1)
    x = Axis("K, length of the list", curves.ks[0] - 0.3, curves.ks[-1] + 0.3, whole=True)
    note = "Rings: each system's best K by F1."
    if banded:
        note = f"Bands: {100 * curves.level:.0f} %, for all K at once. {note}"
    return Chart(label, line_chart(series, x, y, f"{label} of every system against K", markers=True), note)
