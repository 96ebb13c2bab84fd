"""Runs a sub-command of this checkout, from any working directory and without an installation."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from multimodal.commands.entry import main


def run(name: str) -> None:
    """Run a sub-command with the arguments of the command line and exit with its status."""
    sys.exit(main([name, *sys.argv[1:]]))
