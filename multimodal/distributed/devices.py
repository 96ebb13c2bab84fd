"""The device a trained model runs on: the CPU or a CUDA device."""

from __future__ import annotations

import re

import torch

from data_loaders.errors import UserError


def choose_device(name: str | torch.device | None = None) -> torch.device:
    """Return the device of a name.

    Args:
        name: `cpu`, `cuda` (the current one), `cuda:1` and so on; None for CUDA if available, else the CPU.

    Raises:
        UserError: the name is unknown, or this machine has no such device.
    """
    devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name is None:
        return torch.device("cuda" if devices else "cpu")
    match = re.fullmatch(r"cpu|cuda(?::(\d+))?", str(name))
    if match is None:
        raise UserError(f"device: {str(name)!r} is not known; accepted: cpu, cuda, or one of several as in cuda:1.")
    if str(name) != "cpu" and int(match[1] or 0) >= devices:
        raise UserError(f"device: {str(name)!r} cannot be used, {_what_is_there(devices)}.")
    return torch.device(str(name))


def _what_is_there(devices: int) -> str:
    if devices:
        return f"this machine has {', '.join(f'cuda:{number}' for number in range(devices))}; give one of them, or cpu"
    reason = "this torch was built without CUDA" if torch.version.cuda is None else "torch finds no CUDA device here"
    return f"{reason}; give cpu"
