"""The names of the ways in which encoders compute."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from data_loaders.errors import UserError, short_repr

# How encoders compute; everything after them computes in fp32 by torch.
Way: TypeAlias = Literal["fp32", "bf16", "onnx", "onnx-int8"]
WAYS: tuple[Way, ...] = get_args(Way)
# `auto`: as the probe of this processor chose, see `choosing.chosen_way`.
Compute: TypeAlias = Literal["fp32", "bf16", "onnx", "onnx-int8", "auto"]


def check_compute(compute: str | None) -> None:
    """Refuse an unknown way.

    Raises:
        UserError: it is none of `Compute`; None is.
    """
    if compute is not None and compute not in get_args(Compute):
        raise UserError(f"compute: {short_repr(compute)} is not known; accepted: {', '.join(get_args(Compute))}.")
