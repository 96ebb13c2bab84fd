"""Section `run`: what a run folder is, whether its parts fit each other, and its memory."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from data_loaders.command_line import command_line
from data_loaders.errors import UserError
from multimodal.commands.checkup.fact import Fact, folder_bytes, size_shown

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder
    from multimodal.systems.model_folder import LoadedModel


def run_folder(options: argparse.Namespace) -> list[Fact]:
    """Return what is known of `--run` and `--memory`; nothing where no run is named."""
    from multimodal.systems.model_folder import load_model

    if options.run is None:
        return []
    try:
        model = load_model(options.run)
    except UserError as error:
        return [Fact(name="model", value=options.run, remedy=str(error), wrong=True)]
    memory = [] if options.memory is None else [_tried("memory", options.memory, lambda: _memory(model, options))]
    return [*_about(model), *memory, *_run_parts(model)]


def _about(model: LoadedModel) -> list[Fact]:
    from multimodal.storage.checksums import KEY

    info, memory = model.info, model.memory
    sums = "match" if KEY in info else "none, as in models of earlier versions"
    written = f"{info.get('created', 'unknown')} by version {info.get('package_version', 'unknown')}"
    return [
        Fact(name="model", value=f"{model.system.name}, {size_shown(folder_bytes(model.folder))} in {model.folder}"),
        Fact(name="written", value=written),
        Fact(name="checksums", value=sums),
        Fact(name="hashtags", value=f"{len(memory.id_map):,}"),
        Fact(name="remembers", value=f"{len(memory):,} posts of {len(memory.user_ids):,} users"),
        Fact(name="probabilities", value="none" if model.system.calibration is None else "calibrated"),
    ]


def _memory(model: LoadedModel, options: argparse.Namespace) -> str:
    from multimodal.memory.log.opening import open_store
    from multimodal.systems.model_origin import origin_of

    with open_store(options.memory, None) as store:
        if store.fingerprint != origin_of(model).fingerprint:
            again = command_line("memory", "rebuild", "--run", options.run, "--memory", options.memory, "--to")
            raise UserError(f"the log is of another model, {store.fingerprint}. One for this model: {again} …")
        return f"{store.location}, {store.last():,} events, {len(store.to_erase()):,} users to erase"


def _run_parts(model: LoadedModel) -> list[Fact]:
    from multimodal.systems.config_loading import load_config

    run: RunFolder = model.run
    if run.path == model.folder:
        return [Fact(name="run folder", value="none: the model's folder alone, which is enough to recommend")]

    def configuration() -> str:
        if load_config(run.config) != model.config:
            train = command_line("train", "--resume", "--data", "…", "--output", run.path)
            raise UserError(f"{run.config} is not the configuration of the model; if it was meant to be: {train}")
        return "that of the model"

    facts = [_tried("config.yaml", str(run.config), configuration)] if run.config.exists() else []
    return [*facts, *(_tried(f"evaluation {path.name}", str(path), _evaluated(path)) for path in _evaluations(run))]


def _evaluations(run: RunFolder) -> list[Path]:
    return sorted(path for path in (run.path / "evaluation").glob("*") if path.is_dir())


def _evaluated(folder: Path) -> Callable[[], str]:
    from multimodal.evaluation.files.provenance import check_unchanged

    def read() -> str:
        summary = check_unchanged(folder)
        known = summary.get("predictions", {}).get("sha256")
        return "its predictions are those of its figures" if known else "says nothing of its predictions"

    return read


def _tried(name: str, value: str, read: Callable[[], str]) -> Fact:
    try:
        return Fact(name=name, value=read())
    except UserError as error:
        return Fact(name=name, value=value, remedy=str(error), wrong=True)
