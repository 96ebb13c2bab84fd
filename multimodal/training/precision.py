"""Whether a machine computes in bf16 faster than in fp32."""

from __future__ import annotations

from typing import Any

import torch

# Instructions for products of bf16 matrices; without them bf16 is emulated and slower than fp32.
_CPU_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")


def resolved_precision(precision: str) -> str:
    """Return the mixed precision of a setting on this machine.

    Args:
        precision: `no`, `bf16` or `fp16`, returned as they are; `auto`: `bf16` where the CUDA device, or the processor
            if there is none, multiplies in bf16, else `no`.
    """
    if precision != "auto":
        return precision
    supported = (
        torch.cuda.is_bf16_supported(including_emulation=False) if torch.cuda.is_available() else _cpu_has_bf16()
    )
    return "bf16" if supported else "no"


def _cpu_has_bf16() -> bool:
    # Older releases of torch report two instruction sets only.
    cpu: Any = torch.cpu
    if hasattr(cpu, "get_capabilities"):
        capabilities = cpu.get_capabilities()
        return any(bool(capabilities.get(name)) for name in _CPU_INSTRUCTIONS)
    return bool(cpu._is_avx512_bf16_supported())
