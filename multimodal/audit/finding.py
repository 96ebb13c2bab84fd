"""`Finding`: what one check of the audit measured, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["passed", "warning", "failed", "skipped"]
STATUSES: tuple[Status, ...] = ("failed", "warning", "passed", "skipped")
Number: TypeAlias = "int | float"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one check.

    Attributes:
        name: of the check, snake_case.
        status: `failed`: figures cannot be trusted; `warning`: read them with this in mind; `passed`; `skipped`:
            there was nothing to measure it on.
        measured: a sentence: what was done and what came of it.
        numbers: the figures behind it.
        remedy: what to do; empty when the check passed.
    """

    name: str
    status: Status
    measured: str
    numbers: Mapping[str, Number] = field(default_factory=dict)
    remedy: str = ""


def verdict(findings: Sequence[Finding]) -> Status:
    """Return the gravest status among findings; `passed` where there is nothing worse."""
    found = {finding.status for finding in findings}
    return next((status for status in ("failed", "warning") if status in found), "passed")


def shown(examples: Sequence[str], most: int = 3) -> str:
    """Return the first few of some examples as text."""
    listed = ", ".join(map(repr, examples[:most]))
    return f"{listed}, …" if len(examples) > most else listed
