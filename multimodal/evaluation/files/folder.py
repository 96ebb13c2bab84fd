"""The evaluation folder: at every moment one whole evaluation, never files of two."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from data_loaders.output_folder import atomic_folder
from multimodal.storage.run_folder import RunFolder

RESULTS = (
    "metrics.csv",
    "metrics.json",
    "predictions.parquet",
    "per_post.parquet",
    "precision_recall.png",
    "hit_rate_f1.png",
    "which_k.csv",
    "which_k.md",
    "chances.csv",
    "slices.parquet",
    "slices.csv",
    "slices.md",
    "slices.png",
)
REPORT = (
    "report.html",
    "report.md",
    "table.tex",
    "intervals.csv",
    "hashtags.csv",
    "curves.csv",
    "ndcg_distribution.csv",
    "errors_by_frequency.csv",
    "confused_pairs.csv",
    "calibration.csv",
)
AUDIT = ("audit.json", "audit.md")
EVALUATION_FILES = (*RESULTS, *REPORT, *AUDIT)


@contextmanager
def evaluation_folder(run: RunFolder, folder: Path, doing: str, replaced: Collection[str]) -> Iterator[Path]:
    """Yield a folder to write to, which takes the place of an evaluation folder when the block succeeds.

    Args:
        run: whose evaluation it is; it cannot be trained meanwhile.
        folder: the evaluation folder; it need not exist.
        doing: for the message that other processes get, such as "evaluating it".
        replaced: names of files that are not kept from the evaluation folder.

    Raises:
        FolderInUseError: another process trains the run, or writes this evaluation.
        UserError: nothing can be written there.
    """
    with run.in_use(doing, shared=True), atomic_folder(folder, doing) as part:
        yield part
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name not in replaced:
                _copy(path, part / path.name)


def keep_audit(folder: Path, part: Path) -> None:
    """Copy the audit of an evaluation to a newer one if both have the same predictions, so that it holds for both."""
    predictions = folder / "predictions.parquet"
    if predictions.is_file() and filecmp.cmp(predictions, part / predictions.name, shallow=False):
        for name in AUDIT:
            if (folder / name).is_file():
                _copy(folder / name, part / name)


def _copy(path: Path, to: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, to)
    else:
        shutil.copy2(path, to)
