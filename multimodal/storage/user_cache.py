"""The folder in the user's cache: what is in it only saves time on this machine, and may be deleted."""

from __future__ import annotations

import os
from pathlib import Path

_PROGRAM = "multimodal-hashtags"


def user_cache() -> Path:
    """Return the folder, which need not exist: in `$XDG_CACHE_HOME`, else in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / _PROGRAM
