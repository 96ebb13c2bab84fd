"""The first hashtags of every System for each evaluated post: frozen, rolling and refitted before each period."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data_loaders import __version__
from data_loaders.bulk.held import opened
from data_loaders.bulk.tasks import Advance, ShardTask, name_of, result_of
from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from multimodal.config import RunConfig
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.pipeline import HistoryProtocol, evaluate_run, evaluation_of, rank_posts
from multimodal.experiments.benchmark.entries import Entry
from multimodal.experiments.benchmark.failures import MISTAKES, Failure, failure_of
from multimodal.experiments.drift.data_before import DataBefore
from multimodal.experiments.drift.periods import Period, PeriodKind, by_period
from multimodal.experiments.side_by_side import Folder, do_tasks
from multimodal.ranking.rankings import Rankings
from multimodal.storage.run_folder import RunFolder, read_json, write_json
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.config_loading import load_config
from multimodal.systems.model_folder import load_model
from multimodal.training.opening import is_finished
from multimodal.training.run import train_run

if TYPE_CHECKING:
    from data_loaders.bulk.executor import Executor
    from data_loaders.prepared import PreparedData

logger = logging.getLogger(__name__)

Protocol = Literal["frozen", "rolling", "refitted"]
PROTOCOLS: tuple[Protocol, ...] = ("frozen", "rolling", "refitted")
REFITTED = "refitted"
_ROWS, _ROW = ".aged", "row.json"


@dataclass(frozen=True, slots=True)
class Aged:
    """What a System recommends under one protocol.

    Attributes:
        name: of the row.
        protocol: `frozen`: fitted to train, knows train; `rolling`: fitted to train, knows whatever is strictly
            earlier; `refitted`: fitted again to whatever is before each period, and rolling inside it.
        lists: the first K hashtags by post id.
    """

    name: str
    protocol: Protocol
    lists: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is looked at.

    Attributes:
        data: a prepared folder.
        output: where runs go, `<output>/<name>`; those of a benchmark there are used.
        split: whose posts are evaluated.
        kind: of the periods.
        k: length of the lists.
        seed: of all runs.
    """

    data: PreparedData
    output: Path
    split: str = "test"
    kind: PeriodKind = "month"
    k: int = 5
    seed: int = 0

    def posts(self) -> list[Post]:
        """Return the evaluated posts: those of the split with hashtags and a timestamp."""
        return [post for post in self.data.split(self.split) if post.hashtags and post.timestamp is not None]


@dataclass(frozen=True, kw_only=True)
class AgeRow(ShardTask):
    """Makes the lists of a row under its protocols; its runs lie in the folder of the plan.

    Attributes:
        entry: the row.
        label: how messages call it.
        protocols: which.
        data: the prepared folder.
        fingerprint: of the data.
        output, split, kind, k, seed: of the plan.
    """

    entry: Entry
    label: str
    protocols: tuple[Protocol, ...]
    data: Folder
    fingerprint: str
    output: Path
    split: str
    kind: PeriodKind
    k: int
    seed: int

    @cached_property
    def name(self) -> str:
        """A name made of the row, the data and what is looked at."""
        entry = [self.entry.name, str(self.entry.config), self.entry.overrides]
        plan = [str(self.output), self.split, self.kind, self.k, self.seed]
        return name_of(__version__, entry, self.protocols, self.fingerprint, plan)

    def write(self, folder: Path, advance: Advance) -> None:
        """Write the lists of each protocol, or what went wrong."""
        plan = Plan(opened(self.data), self.output, self.split, self.kind, self.k, self.seed)
        made: dict[str, Any] = {"lists": {}}
        try:
            for protocol in self.protocols:
                made["lists"][protocol] = _lists(self.entry, plan, protocol, self.label)
        except MISTAKES as error:
            made = {"problem": failure_of(self.entry, error, self.label).reason}
        (folder / _ROW).write_text(json.dumps(made), encoding="ascii")
        advance(1)

    def steps(self, folder: Path) -> int:
        """Return that a row is one step."""
        return 1

    def outcome(self, folder: Path) -> list[Aged] | Failure:
        """Return what became of the row."""
        made = json.loads((folder / _ROW).read_text(encoding="ascii"))
        if "problem" in made:
            return Failure(self.entry, made["problem"])
        return [Aged(self.entry.name, protocol, made["lists"][protocol]) for protocol in self.protocols]


def run_drift(
    entries: Sequence[Entry],
    plan: Plan,
    protocols: Sequence[Protocol],
    refitted: Collection[str] | None = None,
    *,
    executor: Executor | None = None,
    images: Path | None = None,
) -> tuple[list[Aged], list[Failure]]:
    """Return what each row recommends under each protocol, and the rows that could not be made.

    Whatever goes wrong with a row costs that row alone. Finished runs and periods are taken as they are.

    Args:
        entries: the rows.
        plan: what is looked at.
        protocols: which.
        refitted: names of the rows that are refitted, where that is among the protocols; None: all.
        executor: who makes the rows, several side by side; None for this process, one after the other.
        images: where the pictures are now, if they were moved, for workers that open the data themselves.

    Raises:
        RunError: workers die at the same row.
    """
    folder, store = Folder(plan.data.folder, images), plan.output / _ROWS
    tasks = [
        AgeRow(
            entry=entry, label=f"[{number}/{len(entries)}] {entry.name}", data=folder, output=plan.output,
            protocols=tuple(one for one in protocols if one != REFITTED or refitted is None or entry.name in refitted),
            fingerprint=plan.data.fingerprint, split=plan.split, kind=plan.kind, k=plan.k, seed=plan.seed,
        )
        for number, entry in enumerate(entries, start=1)
    ]  # fmt: skip
    do_tasks(tasks, store, (folder, plan.data), executor, ("Making rows", len(tasks), "rows"))
    outcomes = [task.outcome(result_of(task, store)) for task in tasks]
    shutil.rmtree(store)
    aged = [one for own in outcomes if not isinstance(own, Failure) for one in own]
    return aged, [one for one in outcomes if isinstance(one, Failure)]


def _lists(entry: Entry, plan: Plan, protocol: Protocol, label: str) -> dict[str, list[str]]:
    config = load_config(entry.config, [*entry.overrides, f"seed={plan.seed}"])
    folder = plan.output / entry.name
    if protocol != "refitted":
        return _evaluated(config, plan, folder, protocol, label)
    lists: dict[str, list[str]] = {}
    posts = plan.posts()
    for period, rows in by_period(posts, plan.kind).items():
        own = [posts[row] for row in rows]
        # A split may begin in the middle of a period.
        started = max(period.start_us, min(post.instant_us for post in own))
        lists |= _refitted(config, plan, folder, Period(started, period.name), own, label)
    return lists


def _evaluated(
    config: RunConfig, plan: Plan, folder: Path, history: HistoryProtocol, label: str
) -> dict[str, list[str]]:
    run, data = RunFolder(folder), plan.data
    if not is_finished(run, config, data):
        logger.info("%s: training", label)
        train_run(config, data, folder)
    logger.info("%s: %s", label, history)
    evaluate_run(folder, data, split=plan.split, ks=[plan.k], history=history, slices=False)
    ids = [post.post_id for post in data.split(plan.split)]
    return _first(read_predictions(evaluation_of(run, plan.split, history) / "predictions.parquet", ids), plan.k)


def _first(rankings: Rankings, k: int) -> dict[str, list[str]]:
    return {
        post_id: [hashtag for hashtag, _ in ranking[:k]]
        for post_id, ranking in zip(rankings.post_ids, rankings, strict=True)
    }


def _refitted(
    config: RunConfig, plan: Plan, folder: Path, period: Period, posts: list[Post], label: str
) -> dict[str, list[str]]:
    """Fit a System to what is before a period and rank the period's posts; the lists are kept, the run is not."""
    kept = folder / REFITTED / f"{plan.split}-{period.name}.json"
    key = _key(config, plan, posts)
    if kept.is_file():
        saved: dict[str, Any] = read_json(kept, "lists of a refitted System")
        if saved.get("key") == key:
            found: dict[str, list[str]] = saved["lists"]
            return found
    logger.info("%s: refitted before %s", label, period.name)
    earlier, run = DataBefore(plan.data, period), folder / REFITTED / "run"
    shutil.rmtree(run, ignore_errors=True)
    train_run(config, earlier, run)
    model = load_model(run)
    later = [post for post in _known(plan, posts) if post.post_id not in model.memory]
    add_in_batches(model.system, model.memory, later)
    lists = _first(rank_posts(model.system, posts, model.memory, plan.k), plan.k)
    write_json(kept, {"key": key, "lists": lists})
    shutil.rmtree(run, ignore_errors=True)
    return lists


def _known(plan: Plan, posts: Sequence[Post]) -> Iterator[Post]:
    """Yield the posts that any of these may know: nothing behind the last of them."""
    last = max(post.instant_us for post in posts)
    for name in SPLITS:
        yield from (post for post in plan.data.split(name) if post.instant_us <= last)


def _key(config: RunConfig, plan: Plan, posts: Sequence[Post]) -> str:
    of = [config.model_dump(mode="json"), plan.data.fingerprint, plan.k, [post.post_id for post in posts]]
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()
