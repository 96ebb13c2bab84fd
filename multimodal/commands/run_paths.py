"""Which run folders a command means: run folders, folders of runs, and patterns of either."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from data_loaders.errors import UserError


def run_folders(given: Sequence[Path]) -> list[Path]:
    """Return run folders: those that are given, and those inside of folders that are none, each once.

    A path that does not exist is a pattern, such as `runs/*_seed?`, or kept for the error that it leads to.

    Raises:
        UserError: a pattern matches no run.
    """
    found: dict[Path, None] = {}
    for path in given:
        matches = [path] if path.exists() or not glob.has_magic(str(path)) else _matching(path)
        runs = [run for match in matches for run in _runs_of(match)]
        if not runs:
            raise UserError(f"no run folder matches {path}.")
        found |= dict.fromkeys(runs)
    return list(found)


def _matching(pattern: Path) -> list[Path]:
    parts = pattern.parts
    root = Path(pattern.anchor)
    return sorted(root.glob(str(Path(*parts[1:] if pattern.anchor else parts))))


def _runs_of(path: Path) -> list[Path]:
    if not path.is_dir() or _is_run(path):
        return [] if path.is_file() else [path]
    return sorted(inside for inside in path.iterdir() if inside.is_dir() and _is_run(inside)) or [path]


def _is_run(path: Path) -> bool:
    names = ("model", "model.json", "config.yaml", "evaluation", "per_post.parquet")
    return any((path / name).exists() for name in names)
