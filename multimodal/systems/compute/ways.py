"""`use_compute`: let a System's encoders compute in one of several ways."""

from __future__ import annotations

import torch

from data_loaders.errors import UserError
from multimodal.systems.base import System
from multimodal.systems.compute.names import WAYS, Way


def kind_of_vectors(way: Way, compute: str | None) -> str:
    """Return what tells vectors that are remembered apart: `fp32`, or the way that gives others.

    Those of ONNX Runtime in fp32 differ by rounding. A way that a probe chose names the same hashtags by the vectors of
    fp32, so that processes on different processors can share a memory.

    Args:
        way: of computing.
        compute: what was asked for.
    """
    return "fp32" if way == "onnx" or compute == "auto" else way


def use_compute(system: System, way: Way, device: torch.device) -> None:
    """Let a System compute in one way on a device.

    Args:
        system: fitted, in fp32.
        way: `bf16`: weights of 16 bits, in half the memory; `onnx`: ONNX Runtime in fp32; `onnx-int8`: the same with
            products of matrices in 8 bits.
        device: `onnx` needs the CPU.

    Raises:
        UserError: a package is missing, or the device is a GPU.
        RunError: an encoder cannot be written as ONNX.
    """
    if way in ("fp32", "bf16"):
        system.use_precision("bf16" if way == "bf16" else "fp32")
        system.use_device(device)
        return
    if device.type != "cpu":
        raise UserError(f"compute: {way} runs on the CPU; give device=cpu, or another of {', '.join(WAYS)}.")
    from multimodal.encoders.onnx_models.made_once import onnx_model
    from multimodal.encoders.onnx_models.session import OnnxEncoder

    system.use_device(device)
    for encoder in system.encoders():
        encoder.backend = OnnxEncoder(onnx_model(encoder, int8=way == "onnx-int8"))
