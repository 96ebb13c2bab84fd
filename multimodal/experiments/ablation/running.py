"""Training and evaluating every variant with every seed, each as an ordinary run, and putting them side by side."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data_loaders import __version__
from data_loaders.bulk.held import opened
from data_loaders.bulk.tasks import Advance, ShardTask, name_of
from data_loaders.errors import DataError, UserError
from multimodal.config import RunConfig
from multimodal.design.gate import gate_of_run, has_gate
from multimodal.evaluation.files.results import read_per_post
from multimodal.evaluation.metrics.accuracy import Floats, f1_of_means
from multimodal.evaluation.pipeline import evaluate_run, is_evaluated
from multimodal.evaluation.uncertainty.resampling import draw_with_replacement, percentiles, weighted_sums
from multimodal.experiments.ablation.variants import VARIANTS, Variant
from multimodal.experiments.side_by_side import Folder, do_tasks
from multimodal.storage.run_folder import RunFolder, read_json
from multimodal.systems.config_loading import load_config
from multimodal.training.opening import is_finished
from multimodal.training.run import train_run

if TYPE_CHECKING:
    from data_loaders.bulk.executor import Executor
    from data_loaders.prepared import PreparedData

logger = logging.getLogger(__name__)

SPLIT = "test"
LEVEL, RESAMPLES = 0.95, 2_000
_DEEPEST = 10
_RUNS = ".runs"


def compare(folders: dict[Variant, list[Path]], k: int) -> tuple[pd.DataFrame, int]:
    """Return the table of an ablation, and over how many posts it goes.

    Args:
        folders: the runs of each variant, the same seeds in the same order; the first variant is the reference.

    Raises:
        DataError: a run was evaluated on other posts than the first.
    """
    values = np.stack([[_per_post(folder, k) for folder in own] for own in _same_posts(folders)])  # (V, S, 3, N)
    precision, recall, hit_rate = np.moveaxis(values.mean(-1), -1, 0)  # (V, S) each
    f1 = f1_of_means(precision, recall)
    resampled = _resampled_f1(values)  # (R, V)
    differences = resampled - resampled[:, :1]
    low, high = percentiles(resampled, LEVEL)
    difference_low, difference_high = percentiles(differences, LEVEL)
    seeds = f1.shape[1]
    table = pd.DataFrame(
        {
            "variant": [variant.name for variant in folders],
            "overrides": [" ".join(variant.overrides) for variant in folders],
            "seeds": seeds,
            "f1": f1.mean(1),
            "f1_sd": f1.std(1, ddof=1) if seeds > 1 else np.nan,
            "f1_low": low,
            "f1_high": high,
            "difference": f1.mean(1) - f1[0].mean(),
            "difference_low": difference_low,
            "difference_high": difference_high,
            "hit_rate": hit_rate.mean(1),
            "precision": precision.mean(1),
            "recall": recall.mean(1),
        }
    )
    return table, values.shape[-1]


def _same_posts(folders: dict[Variant, list[Path]]) -> list[list[Path]]:
    flat = [folder for own in folders.values() for folder in own]
    ids = [list(read_per_post(RunFolder(folder).evaluation(SPLIT) / "per_post.parquet").post_ids) for folder in flat]
    for folder, own in zip(flat, ids, strict=True):
        if own != ids[0]:
            raise DataError(f"{folder} was evaluated on other posts than {flat[0]}; give another --output.")
    return list(folders.values())


def _per_post(folder: Path, k: int) -> Floats:
    """Return precision, recall and hit of every post, (3, N)."""
    outcomes = read_per_post(RunFolder(folder).evaluation(SPLIT) / "per_post.parquet").at(np.array([k], np.int64))
    return np.stack([outcomes.column(name)[:, 0] for name in ("precision", "recall", "hit_rate")])


def _resampled_f1(values: Floats) -> Floats:
    """Return F1, mean over seeds, on bootstrap samples of the posts that all variants share, (R, V)."""
    variants, seeds, _, posts = values.shape
    terms = values[:, :, :2].reshape(-1, posts).T  # (N, V x S x 2)
    draws = draw_with_replacement(posts, RESAMPLES, seed=0)
    sums = weighted_sums(draws, lambda chunk: terms[chunk], posts, "Resampling")
    means = (sums / posts).reshape(RESAMPLES, variants, seeds, 2)
    of_seeds: Floats = f1_of_means(means[..., 0], means[..., 1])
    return np.asarray(of_seeds.mean(-1))


@dataclass(frozen=True, kw_only=True)
class MakeRun(ShardTask):
    """Trains and evaluates a variant with a seed.

    Attributes:
        config: of the run.
        label: how messages call it.
        data: the prepared folder.
        fingerprint: of the data.
        output: the run folder.
        k: the cut-off.
    """

    config: RunConfig
    label: str
    data: Folder
    fingerprint: str
    output: Path
    k: int

    @cached_property
    def name(self) -> str:
        """A name made of the configuration, the data and what is measured."""
        return name_of(__version__, self.config.model_dump(mode="json"), self.fingerprint, str(self.output), self.k)

    def write(self, folder: Path, advance: Advance) -> None:
        """Make the run in its own folder."""
        _run(self.config, opened(self.data), self.output, self.k, self.label)
        advance(1)

    def steps(self, folder: Path) -> int:
        """Return that a run is one step."""
        return 1


@dataclass(frozen=True)
class Ablation:
    """What came of it.

    Attributes:
        table: one row per variant in a fixed order: variant, overrides, seeds, f1 with f1_sd (over seeds), f1_low and
            f1_high, difference to the reference with difference_low and difference_high, hit_rate, precision, recall.
        gate: `gate_table` of the reference, means over seeds; None when it has no gate.
        settings: what the reader must know: reference, k, posts, seeds, config, data, overrides, notes.
    """

    table: pd.DataFrame
    gate: pd.DataFrame | None
    settings: dict[str, Any]


def run_ablation(
    config: str | Path,
    data: PreparedData,
    output: str | Path,
    variants: Sequence[Variant] = VARIANTS,
    seeds: Sequence[int] = (0, 1, 2),
    k: int = 5,
    overrides: Sequence[str] = (),
    *,
    executor: Executor | None = None,
    images: Path | None = None,
) -> Ablation:
    """Train and evaluate every variant with every seed, rolling, on the test split; finished runs are kept.

    Each is an ordinary run folder, `<output>/<variant>/seed<n>`. A variant that this configuration does not change
    is left out and named in `settings["notes"]`.

    Args:
        output: where the run folders go.
        variants: the first one is what the others are compared with.
        overrides: `key=value` for all variants.
        executor: who makes the runs, several side by side; None for this process, or those of `torchrun`, one after the
            other.
        images: where the pictures are now, if they were moved, for workers that open the data themselves.

    Raises:
        UserError: a value cannot be used, or a finished run there has another configuration.
        RunError: workers die at the same run.
    """
    if k < 1 or not seeds or len(set(seeds)) < len(seeds):
        raise UserError(f"k={k}, seeds={list(seeds)}: give k of at least 1 and at least one seed, each once.")
    configs, notes = _configurations(config, variants, overrides)
    folders = {variant: [Path(output) / variant.folder / f"seed{seed}" for seed in seeds] for variant in configs}
    total, opening = len(configs) * len(seeds), Folder(data.folder, images)
    tasks = [
        MakeRun(
            config=own.model_copy(update={"seed": seed}), label=f"{variant.name}, {seed=}", data=opening,
            fingerprint=data.fingerprint, output=folder, k=k,
        )
        for variant, own in configs.items()
        for seed, folder in zip(seeds, folders[variant], strict=True)
    ]  # fmt: skip
    if executor is None:
        for number, task in enumerate(tasks, start=1):
            _run(task.config, data, task.output, k, f"[{number}/{total}] {task.label}")
    else:
        store = Path(output) / _RUNS
        do_tasks(tasks, store, (opening, data), executor, ("Making runs", total, "runs"))
        shutil.rmtree(store)
    table, posts = compare(folders, k)
    reference = next(iter(configs))
    gate = _mean_gate(folders[reference], data) if has_gate(configs[reference]) else None
    settings = {"reference": reference.name, "k": k, "posts": posts, "seeds": list(seeds), "config": str(config),
                "overrides": list(overrides), "data": str(data.folder), "split": SPLIT, "history": "rolling",
                "notes": notes}  # fmt: skip
    return Ablation(table, gate, settings)


def _configurations(
    config: str | Path, variants: Sequence[Variant], overrides: Sequence[str]
) -> tuple[dict[Variant, RunConfig], list[str]]:
    configs: dict[Variant, RunConfig] = {}
    notes = []
    for variant in variants:
        own = load_config(config, [*overrides, *variant.overrides, "seed=0"])
        same = next((other.name for other, made in configs.items() if made == own), None)
        if same is None:
            configs[variant] = own
        else:
            notes.append(f"“{variant.name}” is left out: with this configuration it is the same as “{same}”.")
            logger.info(notes[-1])
    return configs, notes


def _run(config: RunConfig, data: PreparedData, folder: Path, k: int, label: str) -> None:
    run, started = RunFolder(folder), time.monotonic()
    if not is_finished(run, config, data):
        logger.info("%s: training", label)
        train_run(config, data, folder)
    if not is_evaluated(run, data, SPLIT, {k}):
        evaluate_run(folder, data, split=SPLIT, ks=range(1, max(k, _DEEPEST) + 1))
    table = read_json(run.evaluation(SPLIT) / "metrics.json", "metrics")["table"]
    row = next(row for row in table if row["k"] == k)
    logger.info("%s: F1@%d %.4f  (%.0f s)", label, k, row["f1"], time.monotonic() - started)


def _mean_gate(folders: Sequence[Path], data: PreparedData) -> pd.DataFrame:
    tables = [gate_of_run(folder, data, SPLIT) for folder in folders]
    mean = tables[0].copy()
    for column in ("weight", "standard_deviation"):
        mean[column] = np.mean([table[column] for table in tables], axis=0)
    return mean
