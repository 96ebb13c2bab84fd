"""Joining the other processes when started by `accelerate launch` or `torchrun`."""

from __future__ import annotations

import os


def join_processes() -> None:
    """Connect to the processes started together with this one; does nothing when there is only this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        from accelerate import PartialState

        PartialState()
