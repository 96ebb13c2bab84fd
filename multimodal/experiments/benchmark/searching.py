"""Choosing hyper-parameters on the validation split, by the same number of trials for every System."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data_loaders.bulk.tasks import Advance
from data_loaders.errors import UserError
from data_loaders.locking import locked
from multimodal.config import Choice, RunConfig, SearchSpace, read_values
from multimodal.evaluation.files.text_table import DASH, TextTable
from multimodal.evaluation.files.text_table import number as shown
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.experiments.benchmark.entries import Entry
from multimodal.experiments.benchmark.failures import MISTAKES, reason_of
from multimodal.storage.run_folder import RunFolder, read_json
from multimodal.systems.config_loading import load_config
from multimodal.training.run import train_run

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

    from data_loaders.prepared import PreparedData

logger = logging.getLogger(__name__)
K = 5
COLUMNS = ("system", "trial", "f1", "seconds", "overrides", "problem")
TRIALS_FILE = "trials.csv"
_STUDY, _RUN = "study.log", "run"
# So many trials are drawn at random before others are drawn near the good ones.
_RANDOM_TRIALS = 8


@dataclass(frozen=True, slots=True)
class Search:
    """The trials of a row.

    Attributes:
        entry: the row with what was chosen on top of its own overrides.
        trials: a line for each, the columns `COLUMNS`; none where there was nothing to choose.
    """

    entry: Entry
    trials: pd.DataFrame


def search(
    entry: Entry,
    data: PreparedData,
    folder: Path,
    trials: int,
    seed: int,
    *,
    renew: bool = False,
    advance: Advance = lambda steps: None,
) -> Search:
    """Train a row with different hyper-parameters and keep those with the best F1@5 on the validation split.

    The first trial is the configuration as it is, the others are drawn by a tree-structured Parzen estimator (optuna).
    What is finished is kept: stopped and resumed, a search tries the same as unbroken. A trial that fails counts too,
    and is made again the next time. What is drawn twice is trained once.

    Args:
        entry: the row; keys that it sets itself are not searched.
        data: train and validation posts are used.
        folder: where the trials are kept.
        trials: how many.
        seed: of draws and runs.
        renew: whether another search in the folder is deleted.
        advance: is told how many more trials are finished.

    Raises:
        UserError: optuna is missing, the folder holds another search and keeps it, or all trials failed.
        FolderInUseError: another process searches in the folder.
    """
    config = load_config(entry.config, [*entry.overrides, f"seed={seed}"])
    own = read_values(None, entry.overrides)
    space = {key: tried for key, tried in config.searchable().items() if not _sets(own, key)}
    if not space or trials < 1:
        return Search(entry, pd.DataFrame(columns=list(COLUMNS)))
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder, which another search may take the place of.
    with locked(folder.parent / f".{folder.name}.lock", folder, "searching in it"):
        study = _open(folder / _STUDY, _described(config, data, space), entry.name, renew)
        for number in range(trials):
            _once(study, number, space, entry, data, folder, seed)
            advance(1)
        table = _table(study, entry.name, trials)
        table.to_csv(folder / TRIALS_FILE, index=False)
    done = table[table["problem"] == ""]
    if done.empty:
        raise UserError(f"all {trials} trials failed; the last: {table['problem'].iloc[-1]}")
    # The first of equals.
    best = int(done["trial"].to_numpy()[done["f1"].round(9).to_numpy().argmax()])
    chosen = json.loads(study.trials[best].user_attrs["overrides"])
    logger.info("%s: chosen of %d trials: %s", entry.name, trials, " ".join(chosen) or "as configured")
    return Search(replace(entry, overrides=(*entry.overrides, *chosen)), table)


def _sets(values: Mapping[str, Any], key: str) -> bool:
    """Return whether nested values have a key such as `training.epochs`, or something else in place of its section."""
    nested: Any = values
    for part in key.split("."):
        if not isinstance(nested, Mapping):
            return True
        if part not in nested:
            return False
        nested = nested[part]
    return True


def _open(path: Path, described: Mapping[str, Any], name: str, renew: bool) -> Study:
    study = _study(path)
    known = study.user_attrs.get("of")
    if known == described:
        return study
    # Of a search that failed at once nothing is lost: its configuration is what has been corrected.
    failed = all(trial.user_attrs.get("problem") for trial in study.trials)
    if known is not None and not renew and not failed:
        raise UserError(
            f"{path.parent} holds a search of another configuration, search space or data "
            f"({', '.join(_differing(known, described))}). Give --renew {name} to search this row anew, which deletes "
            "that search, or another --output."
        )
    if known is not None:
        logger.info("%s: its search was another one; it is made anew", name)
        shutil.rmtree(path.parent)
        study = _study(path)
    study.set_user_attr("of", described)
    return study


def _study(path: Path) -> Study:
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
    except ImportError as error:
        raise UserError(
            f"--trials needs the package optuna, which cannot be imported ({error}): pip install 'optuna>=4'."
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path.parent.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(path)))
    return optuna.create_study(storage=storage, study_name="search", direction="maximize", load_if_exists=True)


def _differing(known: Mapping[str, Any], described: Mapping[str, Any]) -> list[str]:
    """Return which parts of a search are others, of its configuration and its space the keys."""
    named = []
    for part in ("config", "space"):
        old, new = known.get(part, {}), described[part]
        named += [f"{part}: {key}" for key in sorted({**old, **new}) if old.get(key) != new.get(key)]
    return [*named, *(["data"] if known.get("data") != described["data"] else [])]


def _described(config: RunConfig, data: PreparedData, space: SearchSpace) -> dict[str, Any]:
    """Return what a search is of, as its file holds it: trials of anything else do not count for it."""
    described: dict[str, Any] = json.loads(
        json.dumps(
            {
                "config": config.model_dump(mode="json"),
                "data": data.fingerprint,
                "space": {key: repr(tried) for key, tried in space.items()},
            }
        )
    )
    return described


def _once(
    study: Study, number: int, space: SearchSpace, entry: Entry, data: PreparedData, folder: Path, seed: int
) -> None:
    """Make a trial, unless it is finished; one that failed or was stopped is made again, with what was drawn for it."""
    known = study.trials
    if number < len(known) and known[number].state.is_finished():
        return
    trial, run = _begun(study, number, known, seed), folder / _RUN
    overrides = [f"{key}={json.dumps(_drawn(trial, key, tried))}" for key, tried in space.items()] if number else []
    trial.set_user_attr("overrides", json.dumps(overrides))
    # What lies there is of the last trial that was begun.
    if number != len(known) - 1:
        shutil.rmtree(run, ignore_errors=True)
    logger.info("%s: trial %d: %s", entry.name, number, " ".join(overrides) or "as configured")
    score = _known_score(known[:number], overrides) if number else None
    if score is None:
        score = _tried(trial, replace(entry, overrides=(*entry.overrides, *overrides)), data, run, seed)
    if score is not None:
        study.tell(number, score)
        logger.info("%s: trial %d: F1@%d is %.4f", entry.name, number, K, score)
    shutil.rmtree(run, ignore_errors=True)


def _begun(study: Study, number: int, known: Sequence[FrozenTrial], seed: int) -> Trial:
    import optuna

    # Made anew for every trial, so that a resumed search draws as an unbroken one.
    drawn_from = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=drawn_from, n_startup_trials=_RANDOM_TRIALS)
    return optuna.trial.Trial(study, known[number]._trial_id) if number < len(known) else study.ask()


def _tried(trial: Trial, entry: Entry, data: PreparedData, run: Path, seed: int) -> float | None:
    """Return the score of a trial, None if it fails, and note in the trial what went wrong and what it took."""
    # Of a trial that was stopped, what it had taken before counts too.
    started = time.monotonic() - trial.user_attrs.get("seconds", 0.0)
    try:
        config = load_config(entry.config, [*entry.overrides, f"seed={seed}"])
        settings = [*entry.overrides, *config.search_settings, f"seed={seed}"]
        score = _score(load_config(entry.config, settings), data, run)
        trial.set_user_attr("problem", "")
        return score
    except MISTAKES as error:
        logger.error("%s: trial %d failed: %s", entry.name, trial.number, reason_of(error))
        trial.set_user_attr("problem", reason_of(error))
        return None
    finally:
        trial.set_user_attr("seconds", round(time.monotonic() - started, 3))


def _known_score(earlier: Sequence[FrozenTrial], overrides: Sequence[str]) -> float | None:
    """Return the score of an earlier trial of the same settings, which are drawn again where there are few."""
    same = (trial for trial in earlier if trial.user_attrs.get("overrides") == json.dumps(overrides))
    return next((trial.value for trial in same if trial.value is not None), None)


def _drawn(trial: Trial, key: str, tried: Any) -> Any:
    if isinstance(tried, Choice):
        return trial.suggest_categorical(key, tried.values)
    # Four digits are enough, and read better.
    return float(f"{trial.suggest_float(key, tried.low, tried.high, log=tried.log):.4g}")


def _score(config: RunConfig, data: PreparedData, folder: Path) -> float:
    """Train, and return F1@5 on the validation split, history rolling."""
    if not (RunFolder(folder).model / "model.json").is_file():
        train_run(config, data, folder)
    evaluate_run(folder, data, split="validation", ks=[K], slices=False)
    table: Sequence[Mapping[str, float]] = read_json(
        RunFolder(folder).evaluation("validation") / "metrics.json", "metrics"
    )["table"]
    return float(next(line["f1"] for line in table if line["k"] == K))


def _table(study: Study, name: str, trials: int) -> pd.DataFrame:
    lines = []
    for trial in study.trials[:trials]:
        attrs = trial.user_attrs
        overrides = " ".join(json.loads(attrs["overrides"])) or "as configured"
        value = float("nan") if trial.value is None else trial.value
        lines.append((name, trial.number, value, attrs.get("seconds"), overrides, attrs.get("problem", "")))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def read_trials(folder: Path, entries: Sequence[Entry]) -> pd.DataFrame:
    """Return the trials of all rows that had something to choose.

    Args:
        folder: of all searches, a folder for each row in it.
        entries: the rows.
    """
    files = [folder / entry.name / TRIALS_FILE for entry in entries]
    parts = [pd.read_csv(file, keep_default_na=False, na_values=["nan", ""]) for file in files if file.is_file()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def trials_table(trials: pd.DataFrame) -> TextTable:
    """Return for each row how many trials there were, and the best one beside the configuration as it is."""
    cells = []
    for name in trials["system"].unique():
        own = trials[trials["system"] == name]
        scores = own["f1"].to_numpy(float)
        failed = int(np.isnan(scores).sum())
        if failed == len(own):
            cells.append([str(name), "all failed", str(len(own)), DASH, DASH])
            continue
        best = int(np.nanargmax(np.round(scores, 9)))
        chosen = str(own["overrides"].to_numpy()[best])
        count = f"{len(own)}, {failed} failed" if failed else str(len(own))
        cells.append([str(name), chosen, count, shown(scores[0]), shown(scores[best])])
    headings = ["system", "chosen settings", "trials", "as\nconfigured", "chosen"]
    title = f"Hyper-parameters by F1@{K} on the validation split"
    return TextTable(headings=headings, cells=cells, title=title, text_columns=2)
