"""What may go wrong with a row of a benchmark without stopping the others."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from data_loaders.errors import UserError
from multimodal.experiments.benchmark.entries import Entry

logger = logging.getLogger(__name__)
# What a System may raise if it cannot be made, or is made wrongly; whoever stops the program is obeyed.
MISTAKES = (
    *(UserError, ArithmeticError, AttributeError, ImportError, LookupError),
    *(MemoryError, OSError, RuntimeError, TypeError, ValueError),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that could not be made, and why."""

    entry: Entry
    reason: str


def reason_of(error: Exception) -> str:
    """Return why a row could not be made: a user error's own text, of a mistake of the program its kind too."""
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"


def failure_of(entry: Entry, error: Exception, label: str) -> Failure:
    """Tell at once that a row is left out; of a mistake of the program with its traceback."""
    shown = None if isinstance(error, UserError) else error
    # What is wrong with a configuration begins with its name, which is mostly that of the row.
    reason = reason_of(error).removeprefix(f"{entry.name}: ")
    logger.error("%s: left out: %s", label, reason, exc_info=shown)
    return Failure(entry, reason)
