"""What a sub-command gives back: a document for programs and a text for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multimodal.evaluation.files.text_table import TextTable

FAILED, MISTAKE = 1, 2


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a sub-command.

    Attributes:
        document: what `--json` prints; see `as_plain`.
        parts: the same for people, texts and tables, one below the other.
        problem: printed to standard error afterwards; the exit status is then 2.
        status: the exit status where there is no problem.
    """

    document: Any
    parts: Sequence[str | TextTable]
    problem: str = ""
    status: int = 0

    def show(self) -> None:
        """Print the parts."""
        for part in self.parts:
            if isinstance(part, str):
                print(part)
            else:
                from rich.console import Console

                console = Console()
                for piece in part.fitted(console.width):
                    console.print(piece.rich())


def as_plain(value: Any) -> Any:
    """Return a value as JSON can hold it: numpy scalars as numbers, NaN and infinities as null, the rest as text."""
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def split_names(text: str | None) -> list[str] | None:
    """Return the names of a list with commas, None for None."""
    return None if text is None else [name.strip() for name in text.split(",")]


def written(files: Sequence[Any]) -> str:
    """Return which files were written, a line each."""
    return "\n".join(["written:", *(f"  {path}" for path in files)])
