"""Connecting to the other processes started by `accelerate launch` or `torchrun`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def init_distributed() -> None:
    """Connect to the processes that were started together with this one, if there are any."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        from accelerate import PartialState

        PartialState()


def own_device() -> torch.device:
    """Return the device this process trains on: the one its launcher set, else the one accelerate finds."""
    from accelerate import PartialState

    device: torch.device = PartialState().device
    return device
