"""Training and evaluating every row of a benchmark, each as an ordinary run; what is finished is kept."""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_loaders.errors import UserError
from multimodal.config import RunConfig
from multimodal.evaluation.pipeline import evaluate_run, is_evaluated
from multimodal.experiments.benchmark.entries import Entry
from multimodal.experiments.benchmark.failures import MISTAKES, Failure, failure_of
from multimodal.experiments.benchmark.searching import search
from multimodal.storage.run_folder import RunFolder, read_json, write_json
from multimodal.systems.config_loading import load_config
from multimodal.training.opening import changed_keys, is_finished, is_other
from multimodal.training.run import train_run

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

logger = logging.getLogger(__name__)

MEASURED_FILE, SEARCHES = "benchmark.json", "search"
# Named hashtags that a threshold may cut anywhere; below rank 30 lists are noise.
DEPTH = 30
_SPLITS = ("validation", "test")
# What is remembered is the data's, not the model's: the same for all.
_REMEMBERED = ("memory.safetensors", "memory.json")


@dataclass(frozen=True, slots=True)
class Row:
    """A finished row: where its run is and what it took.

    Attributes:
        training_s: seconds of training, memory and saving included.
        size_bytes: of the model on disk, remembered posts left out.
        ms_per_post: milliseconds to rank a post of the test split, in batches.
    """

    entry: Entry
    folder: Path
    training_s: float
    size_bytes: int
    ms_per_post: float


def run_benchmark(
    entries: Sequence[Entry],
    data: PreparedData,
    output: Path,
    ks: Sequence[int],
    seed: int = 0,
    trials: int = 0,
    renewed: Collection[str] = (),
) -> tuple[list[Row], list[Failure]]:
    """Train and evaluate every entry, rolling, on the validation and the test split.

    Whatever goes wrong with a row (a model that cannot be fetched, a configuration that does not fit, a mistake of a
    System) costs that row, is told at once and listed at the end. Finished runs are taken as they are.

    Args:
        output: where the run folders go, `<output>/<name>`; searches go to `<output>/search/<name>`.
        ks: cut-offs.
        seed: of all runs.
        trials: how many hyper-parameters each row tries on the validation split first; 0: none, see `search`.
        renewed: names of rows whose search or run is deleted and made anew if it is of another configuration or on
            other data; for the others that is a failure.

    Returns:
        Rows and failures, each in the order of the entries.
    """
    rows, failures = [], []
    for number, entry in enumerate(entries, start=1):
        label = f"[{number}/{len(entries)}] {entry.name}"
        try:
            renew = entry.name in renewed
            chosen = search(entry, data, output / SEARCHES / entry.name, trials, seed, renew=renew).entry
            _discard_other(chosen, data, output / entry.name, seed, searched=trials > 0, renew=renew)
            rows.append(_run(chosen, data, output / entry.name, ks, seed, label))
        except MISTAKES as error:
            failures.append(failure_of(entry, error, label))
    return rows, failures


def _discard_other(entry: Entry, data: PreparedData, folder: Path, seed: int, *, searched: bool, renew: bool) -> None:
    """Remove a run of what an earlier search, of fewer trials, had chosen, or one that is to be renewed."""
    run, config = RunFolder(folder), load_config(entry.config, [*entry.overrides, f"seed={seed}"])
    if searched and run.config.is_file() and changed_keys(run, config):
        logger.info("%s: more trials chose other hyper-parameters; its run is made anew", entry.name)
        shutil.rmtree(folder)
    elif renew and is_other(run, config, data):
        logger.info("%s: its run was another one; it is made anew", entry.name)
        shutil.rmtree(folder)


def _train(entry: Entry, config: RunConfig, data: PreparedData, run: RunFolder, label: str) -> bool:
    """Train a row unless it is finished; return whether it was.

    Raises:
        UserError: the folder contains a run of another configuration or on other data; the message says what to do.
    """
    try:
        if is_finished(run, config, data):
            return False
        logger.info("%s: training", label)
        train_run(config, data, run.path)
    except UserError as error:
        if not is_other(run, config, data):
            raise
        remedy = f"In a benchmark, --renew {entry.name} makes this row anew, which deletes that run."
        raise UserError(f"{error}\n{remedy}") from None
    return True


def _run(entry: Entry, data: PreparedData, folder: Path, ks: Sequence[int], seed: int, label: str) -> Row:
    run, started = RunFolder(folder), time.monotonic()
    config = load_config(entry.config, [*entry.overrides, f"seed={seed}"])
    path = run.path / MEASURED_FILE
    measured: dict[str, Any] = read_json(path, "what the benchmark measured") if path.is_file() else {}
    if _train(entry, config, data, run, label):
        measured = {**measured, "training_s": measured.get("training_s", 0.0) + time.monotonic() - started}
        write_json(path, measured)
    for split in _SPLITS:
        if not is_evaluated(run, data, split, {*ks, DEPTH}):
            logger.info("%s: ranking the %s split", label, split)
            evaluated = evaluate_run(folder, data, split=split, ks=sorted({*ks, DEPTH}), slices=False)
            if not math.isnan(evaluated.ranking_s):
                measured = {**measured, f"{split}_ms_per_post": 1000 * evaluated.ranking_s / len(evaluated.rankings)}
                write_json(path, measured)
    size = sum(file.stat().st_size for file in run.model.rglob("*") if file.is_file() and file.name not in _REMEMBERED)
    nothing = float("nan")
    logger.info("%s: done (%.0f s)", label, time.monotonic() - started)
    return Row(entry, folder, measured.get("training_s", nothing), size, measured.get("test_ms_per_post", nothing))
