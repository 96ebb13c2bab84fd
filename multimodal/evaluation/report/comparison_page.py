"""`comparison.html`: a comparison on one page, its curves, its tables and what the tests say."""

from __future__ import annotations

from collections.abc import Sequence

from multimodal.evaluation.comparison.comparison import Comparison
from multimodal.evaluation.comparison.comparison_files import caption, comparison_table
from multimodal.evaluation.comparison.curves import SystemCurves
from multimodal.evaluation.comparison.pivots import marks_explained, systems_by_k, systems_by_metric
from multimodal.evaluation.files.text_table import TextTable
from multimodal.evaluation.report.systems import Part, curve_charts, systems_page, tables_of


def comparison_page(comparison: Comparison, curves: SystemCurves, slices: Sequence[TextTable] = ()) -> str:
    """Return the page as HTML.

    Args:
        slices: tables of the differences by slice.
    """
    names = list(comparison.runs)
    ks = sorted(comparison.table["k"].unique().tolist())
    tested = sorted(comparison.table.loc[comparison.table["p_holm"].notna(), "k"].unique().tolist())
    facts = {
        "Systems": f"{', '.join(names)}; compared with {comparison.against}",
        **{name: ", ".join(given) for name, given in comparison.runs.items()},
        "Figures": f"{caption(comparison)}.",
        "Marks": f"{marks_explained(comparison)}.",
    }
    by_metric = tables_of([systems_by_metric(comparison, k) for k in tested])
    by_k = tables_of([systems_by_k(comparison, metric, every_k=True) for metric in comparison.protocol.columns])
    parts = [
        Part("What was compared", facts=facts, notes=comparison.notes),
        Part("Against the length of the list", charts=curve_charts(curves)),
        Part("Metrics", tables=[*by_metric, *(by_k if len(ks) > 1 else [])]),
        Part("Differences", f"Compared with {comparison.against}.", tables=tables_of([comparison_table(comparison)])),
        Part("Differences by slice", tables=tables_of(slices)),
    ]
    lead = f"{len(comparison.aligned.post_ids):,} posts, compared with {comparison.against}."
    return systems_page(f"{len(names)} systems compared", "comparison", lead, parts)
