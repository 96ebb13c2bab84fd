"""Saved evaluations of runs, read back for comparison: per-post values, settings and configuration, never a model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

from data_loaders.errors import DataError, RunError, UserError, nearest
from multimodal.config import YAML_ERRORS
from multimodal.evaluation.files.provenance import check_unchanged
from multimodal.evaluation.files.results import FINGERPRINT, read_per_post
from multimodal.evaluation.metrics.outcomes import Outcomes
from multimodal.evaluation.metrics.truth import check_post_ids
from multimodal.storage.run_folder import RunFolder

PER_POST = "per_post.parquet"
# What is left of "-seed1", "_s0" or "/1" where the names of runs part.
_SEED_ENDING = re.compile(r"[-_./ ]*seed[-_=. ]*\d*$|[-_./ ]+s?\d*[-_. ]*$")


@dataclass(frozen=True)
class SavedRun:
    """What `evaluate` left of one run on one split.

    Attributes:
        name: short, and different for all runs read together.
        given: the path as the caller wrote it.
        fingerprints: (N,) of the posts' true hashtags; None where an older file has none.
        settings: of the evaluation: system, history protocol, seed…; empty where they are not saved.
        config: of the run; None where it is not saved beside the evaluation.
    """

    name: str
    given: str
    folder: Path
    outcomes: Outcomes
    fingerprints: NDArray[np.uint64] | None
    settings: Mapping[str, Any]
    config: Mapping[str, Any] | None


def read_saved_runs(runs: Sequence[str | Path], split: str = "test", history: str = "rolling") -> list[SavedRun]:
    """Read the saved evaluations of several runs.

    Args:
        runs: run folders, or evaluation folders themselves.

    Raises:
        RunError: a folder or an evaluation is missing; the message says which there are and how to make it.
        UserError: a run is given twice.
        DataError: the per-post values cannot be used, or the predictions were changed since they were computed.
    """
    folders = [evaluation_folder_of(Path(run), split, history) for run in runs]
    resolved = [folder.resolve() for folder in folders]
    for i, folder in enumerate(resolved):
        if folder in resolved[:i]:
            raise UserError(f"{runs[i]} is given twice; a run is compared with others, not with itself.")
    names = short_names([Path(run).resolve() for run in runs])
    return [_read(name, str(run), folder) for name, run, folder in zip(names, runs, folders, strict=True)]


def evaluation_folder_of(run: Path, split: str, history: str) -> Path:
    """Return the evaluation folder of a run folder, or a folder that is one itself.

    Raises:
        RunError: there is none; the message says which there are and how to make it.
    """
    if (run / PER_POST).is_file():
        return run
    if not run.is_dir():
        there = sorted(entry.name for entry in run.parent.iterdir() if entry.is_dir()) if run.parent.is_dir() else []
        raise RunError(f"run folder {run} does not exist.{nearest(run.name, there)}")
    if run.name == "model" and not (run / "evaluation").is_dir():
        run = run.parent
    name = split if history == "rolling" else f"{split}-{history}"
    folder = RunFolder(run).evaluation(name)
    if (folder / PER_POST).is_file():
        return folder
    found = sorted(path.parent.name for path in (run / "evaluation").glob(f"[!.]*/{PER_POST}"))
    others = f"it has {', '.join(found)}" if found else "it has none"
    how = f"--split {split}" + ("" if history == "rolling" else f" --history {history}")
    raise RunError(
        f"{run} has no evaluation {name!r} ({others}); make it: multimodal-hashtags evaluate --run {run} --data … {how}"
    )


def _read(name: str, given: str, folder: Path) -> SavedRun:
    outcomes = read_per_post(folder / PER_POST)
    try:
        check_post_ids(outcomes.post_ids)
    except DataError as error:
        raise DataError(f"{folder / PER_POST}: {error}") from None
    settings = check_unchanged(folder).get("settings", {})
    config = folder.parent.parent / "config.yaml"
    return SavedRun(name, given, folder, outcomes, _fingerprints(folder / PER_POST), settings, _read_config(config))


def _fingerprints(path: Path) -> NDArray[np.uint64] | None:
    if FINGERPRINT not in pq.read_schema(path).names:
        return None
    return np.asarray(pq.read_table(path, columns=[FINGERPRINT])[FINGERPRINT].to_numpy(), np.uint64)


def _read_config(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except YAML_ERRORS as error:
        raise RunError(f"{path} is damaged: {error}") from None
    return values if isinstance(values, dict) else None


def short_names(paths: Sequence[Path]) -> list[str]:
    """Return the last parts of each path, as many as tell the paths apart.

    >>> short_names([Path("runs/a/evaluation/test"), Path("runs/b/evaluation/test")])
    ['a/evaluation/test', 'b/evaluation/test']
    """
    longest = max(len(path.parts) for path in paths)
    for count in range(1, longest + 1):
        names = ["/".join(path.parts[-count:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def group_by_seed(runs: Sequence[SavedRun]) -> dict[str, list[SavedRun]]:
    """Return the runs by system: those whose configurations differ in the seed alone are seeds of one system.

    Runs of equal configuration and equal seed stay apart, and so do runs that were evaluated under different history
    protocols or have no configuration beside them.

    Returns:
        Name → runs, in the order of the first run of each.
    """
    groups: list[list[SavedRun]] = []
    for run in runs:
        for group in groups:
            if _is_seed_of(run, group):
                group.append(run)
                break
        else:
            groups.append([run])
    names = [_group_name([run.name for run in group]) for group in groups]
    unique = [name if names.count(name) == 1 else group[0].name for name, group in zip(names, groups, strict=True)]
    return dict(zip(unique, groups, strict=True))


def _is_seed_of(run: SavedRun, group: Sequence[SavedRun]) -> bool:
    first = group[0]
    if run.config is None or first.config is None:
        return False
    same_history = run.settings.get("history") == first.settings.get("history")
    new_seed = all(run.config.get("seed") != (other.config or {}).get("seed") for other in group)
    return same_history and new_seed and _without_seed(run.config) == _without_seed(first.config)


def _without_seed(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "seed"}


def _group_name(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return _SEED_ENDING.sub("", "".join(letters[0] for letters in alike)) or names[0]


def named_groups(texts: Sequence[str]) -> dict[str, list[str]]:
    """Return what `name=RUN1,RUN2` texts say: name → run folders.

    Raises:
        UserError: a text is not of this form, or a name is given twice.
    """
    groups: dict[str, list[str]] = {}
    for text in texts:
        name, separator, listed = text.partition("=")
        runs = [run.strip() for run in listed.split(",") if run.strip()]
        if not separator or not name.strip() or not runs:
            raise UserError(f"--group {text!r} is not of the form name=RUN1,RUN2, such as ours=runs/a0,runs/a1.")
        if name.strip() in groups:
            raise UserError(f"--group: the name {name.strip()!r} is given twice.")
        groups[name.strip()] = runs
    return groups
