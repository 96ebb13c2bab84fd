"""Joining the other processes when started by `accelerate launch` or `torchrun`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def init_distributed() -> None:
    """Connect to the processes started together with this one; does nothing when there is only this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        from accelerate import PartialState

        PartialState()


def own_device() -> torch.device:
    """Return where this process trains: the device its launcher gave it, else the one that accelerate finds."""
    from accelerate import PartialState

    device: torch.device = PartialState().device
    return device
