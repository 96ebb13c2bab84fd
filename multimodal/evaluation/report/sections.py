"""The sections of the page on the evaluation itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multimodal.evaluation.metrics.catalogue import METRICS, DataMetric
from multimodal.evaluation.report.inputs import COLUMNS, ReportInputs
from multimodal.evaluation.report.parts import (
    badge,
    escape,
    note,
    number,
    section,
    table,
)

NAMES = {name: metric.label for name, metric in METRICS.items() if not isinstance(metric, DataMetric)}
_PROTOCOLS = {
    "rolling": "rolling: each post is ranked with all strictly earlier posts known, those of the evaluated split too",
    "frozen": "frozen: each post is ranked with the train split known and nothing later",
}
_GAP = 1.08


def value_at(inputs: ReportInputs, column: str, k: int) -> tuple[float, float, float]:
    """Return a metric with its interval at one K."""
    rows = inputs.interval_table
    row = rows[(rows["metric"] == column) & (rows["k"] == k)].iloc[0]
    return float(row["value"]), float(row["low"]), float(row["high"])


def tiles(inputs: ReportInputs) -> str:
    """Return the headline figures."""
    shown = [(str(inputs.k), "best K by F1", "")]
    for name in COLUMNS[:5]:
        value, low, high = value_at(inputs, name, inputs.k)
        shown.append((number(value), f"{NAMES[name]}@{inputs.k}", f"{number(low)}–{number(high)}"))
    shown.append((f"{inputs.counts['posts']:,}", "posts evaluated", ""))
    cells = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span><small>{escape(interval)}</small></div>'
        for value, name, interval in shown
    )
    return f'<div class="tiles">{cells}</div>'


def subject_section(inputs: ReportInputs) -> str:
    """Say what was evaluated and what the figures mean."""
    settings, counts = inputs.settings, inputs.counts
    covered = counts["true_hashtags_in_vocabulary"] / counts["true_hashtags"]
    facts = {
        "System": settings["system"],
        "Run": Path(str(settings["run"])).name,
        "Data": Path(str(settings["data"])).name,
        "Split": settings["split"],
        "History": _PROTOCOLS.get(settings["history"], settings["history"]),
        "Seed": settings["seed"],
        "Posts": f"{counts['posts']:,} with a true hashtag; {counts['posts_without_truth']:,} without are left out",
        "True hashtags": f"{counts['true_hashtags']:,}; {covered:.1%} of them in the train vocabulary, "
        f"{counts['true_hashtags_new']:,} never seen in train",
        "Remembered": f"{settings['posts_remembered']:,} posts",
        "Short lists": f"{counts['posts_with_a_short_list']:,} posts; empty places count as misses",
        "Intervals": f"95 %, bootstrap over {inputs.intervals.units:,} {inputs.intervals.unit}",
    }
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    definitions = note(
        "C: hashtags both recommended and true; R: the K recommended; G: the true ones, also those outside the "
        "vocabulary. Hit rate min(1, |C|), precision |C| / K, recall |C| / |G|, each the mean over posts; F1 is "
        "2PR / (P + R) of the mean precision and the mean recall. NDCG: gain 1 a hit, discount log2(rank + 1), over "
        "that of the best possible list. MAP: average precision over "
        + ("min(|G|, K)." if settings.get("ap_norm", "capped") == "capped" else "|G|.")
    )
    return section("subject", "What was evaluated", f'<dl class="facts">{listed}</dl>{definitions}')


def audit_section(inputs: ReportInputs) -> str:
    """Sum up the leak audit."""
    if inputs.audit is None:
        return section("audit", "Leak audit", note("Not done: run python scripts/audit.py --run … --data …"))
    items = "".join(_check(finding) for finding in inputs.audit["findings"])
    listed = f'<ul class="checks">{items}</ul>'
    asked = inputs.audit["settings"].get("posts", "?")
    verdict = f"<p>Verdict: {badge(str(inputs.audit['verdict']))} from {escape(asked)} posts asked about.</p>"
    return section("audit", "Leak audit", verdict + listed)


def _check(finding: Mapping[str, Any]) -> str:
    remedy = f'<br><span class="remedy">→ {escape(finding["remedy"])}</span>' if finding.get("remedy") else ""
    name = str(finding["name"]).replace("_", " ")
    measured = f"<span>{escape(finding['measured'])}{remedy}</span>"
    return f"<li><span>{badge(str(finding['status']))}</span><b>{escape(name)}</b>{measured}</li>"


def frame(values: pd.DataFrame) -> str:
    """Return any table of data as HTML."""
    texts = [place for place, name in enumerate(values.columns) if not pd.api.types.is_numeric_dtype(values[name])]
    rows = [[_cell(value) for value in record] for record in values.itertuples(index=False)]
    return table([str(name).replace("_", " ") for name in values.columns], rows, text=texts)


def _cell(value: object) -> str:
    if isinstance(value, (float, np.floating)):
        return number(float(value))
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_)):
        return f"{value:,}"
    return str(value)
