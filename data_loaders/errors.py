"""Errors whose text is written for the person at the keyboard.

A message names the thing, the value seen, what is accepted and, where there is one, the command that helps.
Scripts print the text of a `UserError` without a traceback and exit with status 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A problem with what the user gave: a path, a value, a file, a combination."""


class DataError(UserError):
    """A dump, a prepared folder, a post or an image that cannot be used."""


class ConfigError(UserError):
    """A configuration that names an unknown key, a wrong value or a combination that cannot work."""


class RunError(UserError):
    """A run folder that is missing, partial or of another version."""


def nearest(name: str, accepted: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the accepted name closest to `name`, or an empty string."""
    matches = difflib.get_close_matches(name, list(accepted), n=1, cutoff=0.6)
    return f" Did you mean {matches[0]!r}?" if matches else ""
