"""`train_run`: a configuration and a prepared folder in, a run folder with a model out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from multimodal.config import RunConfig
from multimodal.distributed.launching import init_distributed
from multimodal.distributed.processes import barrier, is_main_process
from multimodal.encoders.features.unusable_pictures import left_out_pictures
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.base import System
from multimodal.systems.calibrating import calibrate
from multimodal.systems.caption_profile import captions_for
from multimodal.systems.model_folder import save_model
from multimodal.systems.registry import get_system
from multimodal.systems.requirements import check_requirements
from multimodal.training.opening import describe, open_run, refuse_foreign

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """The result of `train_run`.

    Attributes:
        system: fitted.
        run: its folder.
        facts: shown to the user: numbers and texts by name.
    """

    system: System
    run: RunFolder
    facts: dict[str, str | int | float]


def train_run(config: RunConfig, data: PreparedData, output: str | Path, *, overwrite: bool = False) -> TrainedRun:
    """Fit the System of a configuration and write the run folder; an interrupted run in it is resumed.

    A run that failed before its first step has nothing to resume, so another configuration may replace it.

    Args:
        config: validated.
        data: what to learn from.
        output: the run folder.
        overwrite: delete a run that is already there and start over.

    Raises:
        RunError: the folder contains a finished run, an interrupted run on other data or something other than a run, or
            a file cannot be written.
        ConfigError: the folder contains an interrupted run of another configuration; the message lists the differences.
            Or weights or packages are missing, see `check_requirements`.
        FolderInUseError: another process trains in the folder, or evaluates what is in it.
    """
    check_requirements(config)
    init_distributed()
    run = RunFolder(output)
    if not is_main_process():
        return _train(run, config, data, overwrite)
    refuse_foreign(run)
    with run.in_use("training in it"):
        return _train(run, config, data, overwrite)


def _train(run: RunFolder, config: RunConfig, data: PreparedData, overwrite: bool) -> TrainedRun:
    started = time.monotonic()
    continued = is_main_process() and open_run(run, config, data, overwrite)
    barrier()
    data = captions_for(config, data)
    system = get_system(config.system)(config)
    with left_out_pictures() as left_out:
        system.fit(data, run)
        memory = system.new_memory()
        add_in_batches(system, memory, list(data.split("train")))
        calibrate(system, memory, data)
    if is_main_process():
        save_model(run.model, system, memory, {"data": describe(data)})
    barrier()
    facts: dict[str, str | int | float] = {
        "system": config.system,
        "seed": config.seed,
        "train posts": len(data.split("train")),
        "validation posts": len(data.split("validation")),
        "hashtags in the vocabulary": len(data.vocabulary.hashtags),
        "posts remembered": len(memory),
        "started from": "a checkpoint" if continued else "the beginning",
        **({"pictures that cannot be used": len(left_out)} if left_out else {}),
        "seconds": round(time.monotonic() - started, 1),
        "model": str(run.model),
    }
    return TrainedRun(system, run, facts)
