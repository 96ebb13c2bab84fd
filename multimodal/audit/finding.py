"""`Finding`: what one check of the audit measured, and what follows from it; findings as table, Markdown and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from multimodal.evaluation.files.text_table import TextTable

Status: TypeAlias = Literal["passed", "warning", "failed", "skipped"]
STATUSES: tuple[Status, ...] = ("failed", "warning", "passed", "skipped")
_STYLES = {"passed": "", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one check.

    Attributes:
        name: of the check, snake_case.
        status: `failed`: the figures cannot be trusted; `warning`: report it with the figures; `passed`; `skipped`:
            there was nothing to check.
        measured: a sentence that says what was done and what came of it.
        numbers: the figures behind it.
        remedy: what to do; empty if the check passed.
    """

    name: str
    status: Status
    measured: str
    numbers: Mapping[str, int | float] = field(default_factory=dict)
    remedy: str = ""

    @classmethod
    def check(
        cls,
        name: str,
        failed: bool,
        *,
        good: str,
        bad: str,
        remedy: str,
        numbers: Mapping[str, int | float],
        only_warn: bool = False,
    ) -> Finding:
        """Return the finding of a check that passes (`good` says what was measured) or fails (`bad` says it)."""
        if not failed:
            return cls(name=name, status="passed", measured=good, numbers=numbers)
        status: Status = "warning" if only_warn else "failed"
        return cls(name=name, status=status, measured=bad, numbers=numbers, remedy=remedy)

    @classmethod
    def unchanged(
        cls,
        name: str,
        tried: str,
        examples: Sequence[str],
        posts: int,
        remedy: str,
        numbers: Mapping[str, int | float],
        remark: str = "",
    ) -> Finding:
        """Return the finding of a check that no ranking may change.

        `tried` says what was done, `examples` are the ids of the posts whose rankings changed.
        """
        return cls.check(
            name,
            bool(examples),
            good=f"{tried} all {posts:,} rankings stay the same.{remark}",
            bad=f"{tried} {len(examples):,} of {posts:,} rankings change ({shown(examples)}).{remark}",
            remedy=remedy,
            numbers={"posts": posts, **numbers},
        )


def verdict(findings: Sequence[Finding]) -> Status:
    """Return `failed` or `warning`, the worst status among the findings; otherwise `passed`."""
    found = {finding.status for finding in findings}
    return next((status for status in ("failed", "warning") if status in found), "passed")


def shown(examples: Sequence[str], most: int = 3) -> str:
    """Return the first few examples as text; `none` if there are none."""
    listed = ", ".join(map(repr, examples[:most]))
    return f"{listed}, …" if len(examples) > most else listed or "none"


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
