"""Training and evaluating every row of a benchmark, each as an ordinary run; what is finished is kept.

A row is one shard task: the trials of its search learn from each other, so they are made one after the other.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from data_loaders import __version__
from data_loaders.bulk.executor import Executor
from data_loaders.bulk.held import opened
from data_loaders.bulk.tasks import Advance, ShardTask, name_of, result_of
from data_loaders.errors import UserError
from data_loaders.prepared import PreparedData
from multimodal.config import RunConfig
from multimodal.evaluation.pipeline import evaluate_run, is_evaluated
from multimodal.experiments.benchmark.entries import Entry
from multimodal.experiments.benchmark.failures import MISTAKES, Failure, failure_of
from multimodal.experiments.benchmark.searching import search
from multimodal.experiments.side_by_side import Folder, do_tasks
from multimodal.storage.run_folder import RunFolder, read_json, write_json
from multimodal.systems.config_loading import load_config
from multimodal.training.opening import changed_keys, is_finished, is_other, missing_keys
from multimodal.training.run import train_run

logger = logging.getLogger(__name__)

MEASURED_FILE, SEARCHES = "benchmark.json", "search"
_ROWS, _ROW = ".rows", "row.json"
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


@dataclass(frozen=True, kw_only=True)
class MakeRow(ShardTask):
    """Searches, trains and evaluates a row; its run and its trials lie in the folder of the benchmark.

    Attributes:
        entry: the row.
        label: how messages call it.
        data: the prepared folder.
        fingerprint: of the data.
        output, ks, seed, trials: see `run_benchmark`.
        renew: whether a search or run of another configuration is deleted.
    """

    entry: Entry
    label: str
    data: Folder
    fingerprint: str
    output: Path
    ks: tuple[int, ...]
    seed: int
    trials: int
    renew: bool = False

    @cached_property
    def name(self) -> str:
        """A name made of the row, the data and what is measured."""
        entry = [self.entry.name, str(self.entry.config), self.entry.overrides]
        return name_of(__version__, entry, self.fingerprint, str(self.output), self.ks, self.seed, self.trials)

    def write(self, folder: Path, advance: Advance) -> None:
        """Make the row, and write what was measured or what went wrong."""
        told = 0

        def count(steps: int) -> None:
            nonlocal told
            told += steps
            advance(steps)

        made = self._made(opened(self.data), count)
        (folder / _ROW).write_text(json.dumps(made), encoding="ascii")
        advance(self.trials + 1 - told)

    def steps(self, folder: Path) -> int:
        """Return how many trainings are made or need not be made."""
        return self.trials + 1

    def outcome(self, folder: Path) -> Row | Failure:
        """Return what became of the row."""
        made = json.loads((folder / _ROW).read_text(encoding="ascii"))
        if "problem" in made:
            return Failure(self.entry, made["problem"])
        overrides = tuple(made.pop("overrides"))
        return Row(replace(self.entry, overrides=overrides), self.output / self.entry.name, **made)

    def _made(self, data: PreparedData, advance: Advance) -> dict[str, Any]:
        entry = self.entry
        try:
            searches, run, seed, renew = self.output / SEARCHES, self.output / entry.name, self.seed, self.renew
            chosen = search(entry, data, searches / entry.name, self.trials, seed, renew=renew, advance=advance).entry
            _discard_other(chosen, data, run, seed, searched=self.trials > 0, renew=renew)
            measured = _run(chosen, data, run, self.ks, seed, self.label)
        except MISTAKES as error:
            return {"problem": failure_of(entry, error, self.label).reason}
        return {"overrides": chosen.overrides, **measured}


def run_benchmark(
    entries: Sequence[Entry],
    data: PreparedData,
    output: Path,
    ks: Sequence[int],
    seed: int = 0,
    trials: int = 0,
    renewed: Collection[str] = (),
    *,
    executor: Executor | None = None,
    images: Path | None = None,
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
        executor: who makes the rows, several side by side; None for this process, one after the other.
        images: where the pictures are now, if they were moved, for workers that open the data themselves.

    Returns:
        Rows and failures, each in the order of the entries.

    Raises:
        RunError: workers die at the same row.
    """
    folder = Folder(data.folder, images)
    tasks = [
        MakeRow(
            entry=entry, label=f"[{number}/{len(entries)}] {entry.name}", data=folder, fingerprint=data.fingerprint,
            output=output, ks=tuple(ks), seed=seed, trials=trials, renew=entry.name in renewed,
        )
        for number, entry in enumerate(entries, start=1)
    ]  # fmt: skip
    store = output / _ROWS
    steps = len(tasks) * (trials + 1)
    do_tasks(tasks, store, (folder, data), executor, ("Making rows", steps, "trainings"))
    outcomes = [task.outcome(result_of(task, store)) for task in tasks]
    shutil.rmtree(store)
    rows = [one for one in outcomes if isinstance(one, Row)]
    return rows, [one for one in outcomes if isinstance(one, Failure)]


def _discard_other(entry: Entry, data: PreparedData, folder: Path, seed: int, *, searched: bool, renew: bool) -> None:
    """Remove a run of what an earlier search, of fewer trials, had chosen, or one that is to be renewed."""
    run, config = RunFolder(folder), load_config(entry.config, [*entry.overrides, f"seed={seed}"])
    if searched and run.config.is_file() and changed_keys(run, config):
        logger.info("%s: more trials chose other hyper-parameters; its run is made anew", entry.name)
        shutil.rmtree(folder)
    elif renew and run.config.is_file() and (is_other(run, config, data) or missing_keys(run, config)):
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


def _run(entry: Entry, data: PreparedData, folder: Path, ks: Sequence[int], seed: int, label: str) -> dict[str, float]:
    """Train and evaluate a row; return what `Row` says of it."""
    run, started = RunFolder(folder), time.monotonic()
    config = load_config(entry.config, [*entry.overrides, f"seed={seed}"])
    path = run.path / MEASURED_FILE
    measured: dict[str, Any] = read_json(path, "what the benchmark measured") if path.is_file() else {}
    trained = True
    try:
        trained = _train(entry, config, data, run, label)
    finally:
        # Of a training that is stopped too: what it took counts when it is gone on with.
        if trained and run.config.is_file() and not is_other(run, config, data):
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
    return {
        "training_s": measured.get("training_s", nothing),
        "size_bytes": size,
        "ms_per_post": measured.get("test_ms_per_post", nothing),
    }
