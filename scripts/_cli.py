"""What every command has in common: importable from anywhere, mistakes told without a traceback."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_loaders.errors import UserError

_MISTAKE, _INTERRUPTED = 2, 130


def run_main(main: Callable[[Sequence[str] | None], None], arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 when it went well, 2 for a mistake of the user's, 130 for Ctrl-C.

    Args:
        main: gets the arguments, None for those of the command line.
        arguments: handed on.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    # Only the project's own news; libraries speak up from warnings on.
    logging.getLogger().setLevel(logging.WARNING)
    for package in ("data_loaders", "multimodal"):
        logging.getLogger(package).setLevel(logging.INFO)
    try:
        main(arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(_MISTAKE)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    sys.exit(0)
