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


def _importing(*modules: str):
    return lambda: [import_module(module) for module in modules] and None


def _models() -> None:
    import_module("calling").train_models()


_READING = ("reading", "pyarrow.parquet", "matplotlib.figure", "data_loaders.prepare.plots")
KINDS = {
    kind.name: kind
    for kind in (
        Kind("records", _later("reading", "read_and_prepare"), attempts=400, preload=_importing(*_READING)),
        Kind("bombs", _later("bombs", "blow_up"), attempts=100, preload=_importing(*_READING)),
        Kind("commands", _later("commanding", "call_commands"), attempts=100, preload=_models),
        Kind("calls", _later("calling", "recommend_and_observe"), attempts=100, preload=_models),
    )
}
