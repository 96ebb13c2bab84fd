"""The first module of the command, which imports nothing heavy before Ctrl-C is handled."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from multimodal.commands.stopping import INTERRUPTED, leave_at_once


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program, see `multimodal.commands.main`."""
    leave_at_once(INTERRUPTED)
    from multimodal.commands.main import main as run

    status = run(arguments)
    sys.stdout.flush()
    leave_at_once(status)
    return status
