"""Sections `machine` and `caches`: processors, memory, devices, limits of the container, disks."""

from __future__ import annotations

import argparse
import os
import shutil
from contextlib import suppress
from pathlib import Path

from data_loaders.errors import UserError
from multimodal.commands.checkup.fact import Fact, folder_bytes, size_shown

_CGROUP = Path("/sys/fs/cgroup")
_LITTLE_DISK_BYTES = 2 * 10**9
_VARIABLES = (
    *("MULTIMODAL_MODEL", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_HOME"),
    "TORCH_HOME",
)
_SECRETS = ("MULTIMODAL_API_KEY", "HF_TOKEN")


def machine(options: argparse.Namespace) -> list[Fact]:
    """Return what a model can compute with here."""
    return [_processors(), _threads(), _memory(), *_devices(options.device), _disk(), *_environment()]


def caches(options: argparse.Namespace) -> list[Fact]:
    """Return the folders that only save time, and their sizes; each may be deleted."""
    import torch
    from huggingface_hub import constants

    from multimodal.storage.user_cache import user_cache

    folders = {
        "features of frozen encoders": Path(".cache/features"),
        "answers of language models": Path(".cache/language_model"),
        "files beside databases, encoders as ONNX": user_cache(),
        "Hugging Face Hub": Path(constants.HF_HUB_CACHE),
        "PyTorch hub": Path(torch.hub.get_dir()),
    }
    return [Fact(name=name, value=_cache(folder)) for name, folder in folders.items()]


def memory_limit(cgroup: Path = _CGROUP) -> int | None:
    """Return how many bytes the container may use; None where there is no limit.

    Args:
        cgroup: where the limits of the container are mounted.
    """
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # the word "max"
            limit = int((cgroup / name).read_text())
            return limit if limit < _machine_bytes() else None
    return None


def _cache(folder: Path) -> str:
    return f"{size_shown(folder_bytes(folder))} in {folder.absolute()}" if folder.is_dir() else f"none ({folder})"


def _processors() -> Fact:
    from multimodal.distributed.processors import processors

    usable, all_of_them = processors(), os.cpu_count() or 1
    limited = f", of {all_of_them} of the machine (affinity, or a limit of the container)"
    return Fact(name="processors", value=f"{usable}{limited if usable < all_of_them else ''}")


def _threads() -> Fact:
    import torch

    from multimodal.distributed.processors import processors

    threads, usable = torch.get_num_threads(), processors()
    remedy = f"more threads than processors slow each other down: export OMP_NUM_THREADS={usable}"
    return Fact(name="threads of pytorch", value=str(threads), remedy=remedy if threads > usable else "")


def _machine_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _memory() -> Fact:
    limit = memory_limit()
    limited = "" if limit is None else f", of which the container may use {size_shown(limit)}"
    return Fact(name="memory", value=f"{size_shown(_machine_bytes())}{limited}")


def _devices(wanted: str | None) -> list[Fact]:
    import torch

    from multimodal.distributed.devices import choose_device

    facts = []
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            about = torch.cuda.get_device_properties(number)
            facts.append(Fact(name=f"cuda:{number}", value=f"{about.name}, {size_shown(about.total_memory)}"))
    try:
        return [*facts, Fact(name="device", value=str(choose_device(wanted)))]
    except UserError as error:
        return [*facts, Fact(name="device", value=str(wanted), remedy=str(error), wrong=True)]


def _disk() -> Fact:
    here = Path.cwd()
    free = shutil.disk_usage(here).free
    little = "make room: checkpoints and caches need more" if free < _LITTLE_DISK_BYTES else ""
    return Fact(name="free disk", value=f"{size_shown(free)} at {here}", remedy=little)


def _environment() -> list[Fact]:
    shown = [Fact(name=f"${name}", value=os.environ[name]) for name in _VARIABLES if name in os.environ]
    return [*shown, *(Fact(name=f"${name}", value="set") for name in _SECRETS if os.environ.get(name))]
