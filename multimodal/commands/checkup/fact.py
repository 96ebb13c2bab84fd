"""`Fact`: one line of what `doctor` found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_UNITS = ("B", "kB", "MB", "GB")
_THOUSAND = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a section.

    Attributes:
        name: what was looked at, in lower case.
        value: what was found.
        remedy: what to do about it, with the command where there is one; empty where there is nothing to do.
        wrong: whether something does not work until that is done; the exit status is then 1.
    """

    name: str
    value: str
    remedy: str = ""
    wrong: bool = False


def size_shown(size: float) -> str:
    """Return a size in bytes for people.

    >>> size_shown(512), size_shown(2_340_000), size_shown(98_000_000_000)
    ('512 B', '2.3 MB', '98.0 GB')
    """
    unit = 0
    while size >= _THOUSAND and unit < len(_UNITS) - 1:
        size, unit = size / _THOUSAND, unit + 1
    return f"{size:.{1 if unit else 0}f} {_UNITS[unit]}"


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder; links count as links."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(root, name).lstat().st_size
            except OSError:
                continue  # deleted meanwhile
    return total
