"""The findings as a table for the terminal, as Markdown and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from multimodal.audit.finding import STATUSES, Finding, verdict
from multimodal.evaluation.files.text_table import TextTable

_STYLES = {"passed": "", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


def findings_table(findings: Sequence[Finding], before_remedy: str = "\n→ ") -> TextTable:
    """Return a table with one row for each finding: its status, its check, and what was measured, then the remedy."""
    cells = [
        [
            finding.status,
            finding.name.replace("_", " "),
            finding.measured + (f"{before_remedy}{finding.remedy}" if finding.remedy else ""),
        ]
        for finding in findings
    ]
    return TextTable(
        headings=["Status", "Check", "Measured"],
        cells=cells,
        title="Leak audit",
        caption=counted(findings),
        text_columns=3,
        styles=[_STYLES[finding.status] for finding in findings],
    )


def counted(findings: Sequence[Finding]) -> str:
    """Return how many findings have each status, in words."""
    counts = Counter(finding.status for finding in findings)
    return ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])


def as_markdown(findings: Sequence[Finding], settings: dict[str, Any]) -> str:
    """Return `audit.md`."""
    lines = ["# Leak audit", "", f"Verdict: **{verdict(findings)}** ({counted(findings)}).", ""]
    lines += [f"- {key}: {value}" for key, value in settings.items()]
    return "\n".join([*lines, "", findings_table(findings, " **To do:** ").markdown()])


def as_json(findings: Sequence[Finding], settings: dict[str, Any]) -> dict[str, Any]:
    """Return the content of `audit.json`."""
    return {"verdict": verdict(findings), "settings": settings, "findings": [asdict(finding) for finding in findings]}
