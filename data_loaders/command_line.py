"""The installed command, as texts name it."""

from __future__ import annotations

import os
import shlex

PROGRAM = "multimodal-hashtags"


def command_line(*words: str | os.PathLike[str]) -> str:
    """Return `multimodal-hashtags WORDS…` as a shell reads it: words with spaces or special characters are quoted."""
    return shlex.join([PROGRAM, *(os.fspath(word) for word in words)])
