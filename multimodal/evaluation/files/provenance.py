"""What an evaluation was made from, and whether its predictions are still those that its figures are of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_loaders.command_line import command_line
from data_loaders.errors import DataError, RunError
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.ranking.rankings import Rankings
from multimodal.storage.run_folder import read_json

PREDICTIONS, SUMMARY = "predictions.parquet", "metrics.json"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the content of `metrics.json` of an evaluation folder; empty where there is none.

    Raises:
        RunError: it is damaged.
    """
    path = folder / SUMMARY
    if not path.is_file():
        return {}
    summary = read_json(path, "metrics of an evaluation")
    if not isinstance(summary, dict) or not isinstance(summary.get("settings", {}), dict):
        raise RunError(f"{path} is damaged: it is not the summary of an evaluation; evaluate again.")
    return summary


def is_changed(folder: Path, summary: Mapping[str, Any]) -> bool:
    """Return whether the predictions of an evaluation are others than when its figures were computed."""
    known = summary.get("predictions", {}).get("sha256")
    path = folder / PREDICTIONS
    return known is not None and path.is_file() and file_sha256(path) != known


def check_unchanged(folder: Path) -> dict[str, Any]:
    """Return the summary of an evaluation whose predictions are those that its figures were computed from.

    Raises:
        DataError: they were changed since.
        RunError: the summary is damaged.
    """
    summary = read_summary(folder)
    if is_changed(folder, summary):
        settings = summary.get("settings", {})
        data = settings.get("data", "…")
        changed = command_line("evaluate", "--predictions", folder / PREDICTIONS, "--data", data, "--name", "changed")
        raise DataError(
            f"{folder / PREDICTIONS} was changed after its figures were computed. To evaluate what it holds now: "
            f"{changed}. To rank again and replace it: {_again(settings, data)}"
        )
    return summary


def _again(settings: Mapping[str, Any], data: str) -> str:
    words = ["--run", str(settings.get("run", "…")), "--data", data, "--split", str(settings.get("split", "test"))]
    words += [] if settings.get("history") != "frozen" else ["--history", "frozen"]
    return command_line("evaluate", *words, "--rank-again")


def saved_rankings(folder: Path, post_ids: Sequence[str], made_from: Mapping[str, Any], depth: int) -> Rankings | None:
    """Return the saved predictions of an evaluation, if ranking again would give the same ones.

    Args:
        post_ids: of the posts to rank.
        made_from: model, data and version of the program.
        depth: how long the lists must be.

    Raises:
        DataError: the predictions were changed since.
    """
    summary = check_unchanged(folder)
    known = summary.get("predictions", {})
    if summary.get("made_from") != made_from or known.get("depth", 0) < depth or not (folder / PREDICTIONS).is_file():
        return None
    if summary["settings"].get("pictures_left_out"):
        return None  # they may be there now
    # Where there are few hashtags no list is as long as it could be.
    return read_predictions(folder / PREDICTIONS, post_ids).lengthened(known["depth"])


def saved_depth(folder: Path) -> int:
    """Return how long the saved lists of an evaluation are; 0 where there is none."""
    return int(read_summary(folder).get("predictions", {}).get("depth", 0))
