"""`command_line`: how messages name the installed command."""

from __future__ import annotations

import os
import shlex

PROGRAM = "multimodal-hashtags"


def command_line(*words: str | os.PathLike[str]) -> str:
    """Return `multimodal-hashtags WORDS…`, with words quoted for the shell where needed.

    >>> command_line("prepare", "--source", "my dump")
    "multimodal-hashtags prepare --source 'my dump'"
    """
    return shlex.join([PROGRAM, *(os.fspath(word) for word in words)])
