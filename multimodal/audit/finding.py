"""`Finding`: what one check of the audit measured, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["passed", "warning", "failed", "skipped"]
STATUSES: tuple[Status, ...] = ("failed", "warning", "passed", "skipped")


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
