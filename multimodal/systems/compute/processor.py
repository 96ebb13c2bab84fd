"""What a choice of the way to compute depends on: this processor, its threads and the libraries."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

_CPU_INFO = Path("/proc/cpuinfo")
_LIBRARIES = ("torch", "onnxruntime", "timm", "transformers")


def describe_processor(cpu_info: Path = _CPU_INFO) -> dict[str, Any]:
    """Return the processor's name and instructions, the threads that torch uses, and versions, as JSON values.

    Args:
        cpu_info: what Linux says of the processors; where it says nothing, only the kind of machine is known.
    """
    told = ""
    with suppress(OSError, UnicodeDecodeError):
        told = cpu_info.read_text()
    return {
        "machine": platform.machine(),
        "name": _value("model name", told) or platform.processor(),
        "instructions": sorted((_value("flags", told) or _value("Features", told)).split()),
        "threads": torch.get_num_threads(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def processor_key(described: dict[str, Any]) -> str:
    """Return a hash of a description."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]


def _value(name: str, told: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.*)$", told, re.MULTILINE)
    return found[1].strip() if found else ""


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
