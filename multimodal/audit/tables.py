"""The findings as a table for the terminal, as Markdown and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from multimodal.audit.finding import STATUSES, Finding, verdict

_STYLES = {"passed": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


def findings_table(findings: Sequence[Finding]) -> Table:
    """Return a table with one row for each finding: its status, its check and what was measured."""
    table = Table(title="Leak audit", caption=counted(findings), caption_justify="left", show_lines=True)
    table.add_column("")
    table.add_column("Check")
    table.add_column("Measured")
    for finding in findings:
        measured = Text(finding.measured)
        if finding.remedy:
            measured.append(f"\n→ {finding.remedy}", style="italic")
        table.add_row(Text(finding.status, _STYLES[finding.status]), finding.name.replace("_", " "), measured)
    return table


def counted(findings: Sequence[Finding]) -> str:
    """Return how many findings have each status, in words."""
    counts = Counter(finding.status for finding in findings)
    return ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])


def as_markdown(findings: Sequence[Finding], settings: dict[str, Any]) -> str:
    """Return `audit.md`."""
    lines = ["# Leak audit", "", f"Verdict: **{verdict(findings)}** ({counted(findings)}).", ""]
    lines += [f"- {key}: {value}" for key, value in settings.items()]
    lines += ["", "| status | check | measured |", "|---|---|---|"]
    for finding in findings:
        remedy = f" **To do:** {finding.remedy}" if finding.remedy else ""
        cell = f"{finding.measured}{remedy}".replace("|", "\\|").replace("\n", " ").replace("\0", "")
        lines.append(f"| {finding.status} | {finding.name.replace('_', ' ')} | {cell} |")
    return "\n".join(lines) + "\n"


def as_json(findings: Sequence[Finding], settings: dict[str, Any]) -> dict[str, Any]:
    """Return the content of `audit.json`."""
    return {"verdict": verdict(findings), "settings": settings, "findings": [asdict(finding) for finding in findings]}
