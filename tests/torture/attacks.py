"""The kinds of attacks of the campaign, by name."""

from __future__ import annotations

import random
from importlib import import_module
from pathlib import Path

from isolation import Kind, Outcome


def _later(module: str, function: str):  # its imports are heavy
    def attempt(draw: random.Random, folder: Path) -> Outcome:
        return getattr(import_module(module), function)(draw, folder)

    return attempt


def _reading() -> None:
    for module in ("reading", "pyarrow.parquet", "matplotlib.figure", "data_loaders.prepare.plots"):
        import_module(module)


def _few() -> None:
    import_module("trained_models").train_a_few()


def _all() -> None:
    import_module("trained_models").train_all()


def _kills() -> None:
    import_module("kills").prepare_kills()


KINDS = {
    kind.name: kind
    for kind in (
        Kind("records", _later("reading", "read_and_prepare"), attempts=400, sample=14, preload=_reading),
        Kind("bombs", _later("bombs", "blow_up"), attempts=100, preload=_reading),
        Kind("special_files", _later("special_files", "read_special_files"), attempts=150, sample=5, preload=_reading),
        Kind("pictures", _later("picturing", "open_pictures"), attempts=60, sample=2, preload=_few),
        Kind("models", _later("tampering", "load_tampered_models"), attempts=100, sample=5, preload=_all),
        Kind("commands", _later("commanding", "call_commands"), attempts=100, sample=3, preload=_few),
        Kind("calls", _later("calling", "recommend_and_observe"), attempts=100, sample=4, preload=_few),
        Kind("saves", _later("saving", "kill_while_saving"), attempts=25, sample=2, preload=_few),
        Kind("kills", _later("kills", "kill_and_repeat"), attempts=150, cpu_s=240, wall_s=900, preload=_kills),
    )
}
