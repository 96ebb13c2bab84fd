"""Errors whose messages are written for the user.

A message says what is wrong, the value seen, what is accepted and, where there is one, the command that helps.
Commands print the message of a `UserError` without a traceback and exit with status 2.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Sequence
from pathlib import Path


class UserError(ValueError):
    """The user's input is wrong: a path, a value, a file or a combination of them."""


class DataError(UserError):
    """A dump, a prepared folder, a post or an image is unusable."""


class ConfigError(UserError):
    """A configuration has an unknown key, a wrong value or a combination that cannot work."""


class RunError(UserError):
    """A run folder is missing, incomplete or of another version."""


class NotFittedError(UserError):
    """A System that is asked for an answer before it was fitted or loaded."""


def nearest(name: str, accepted: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the accepted name closest to `name`, or an empty string.

    >>> nearest("trian", ["train", "validation", "test"])
    " Did you mean 'train'?"
    """
    matches = difflib.get_close_matches(name, list(accepted), n=1, cutoff=0.6)
    return f" Did you mean {matches[0]!r}?" if matches else ""


def some_of(names: Sequence[str], limit: int = 3) -> str:
    """Return the first names, and how many more there are.

    >>> some_of(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def short_repr(value: object, limit: int = 200) -> str:
    """Return `repr` for a message, shortened.

    >>> short_repr("soon"), short_repr(10**5000)
    ("'soon'", 'a value of type int that is too large to print')
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or of lists in lists
        return f"a value of type {type(value).__name__} that is too large to print"
    return text if len(text) <= limit else text[:limit] + "…"


def full_disk(error: BaseException, path: Path) -> str:
    """Return `" The disk mounted at / is full."` if that is why a path cannot be written, or an empty string."""
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return ""
    above = path.absolute().parents
    return f" The disk mounted at {next((folder for folder in above if folder.is_mount()), above[-1])} is full."
