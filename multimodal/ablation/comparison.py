"""Putting the runs of an ablation side by side: means over seeds, paired bootstrap intervals over posts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_loaders.errors import DataError
from multimodal.ablation.variants import Variant
from multimodal.evaluation.files.results import read_per_post
from multimodal.evaluation.metrics.accuracy import f1_of_means
from multimodal.evaluation.uncertainty.resampling import draw_with_replacement, weighted_sums
from multimodal.storage.run_folder import RunFolder

Floats = NDArray[np.float64]
SPLIT = "test"
LEVEL, RESAMPLES = 0.95, 2_000


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
    (low, high), (difference_low, difference_high) = _ends(resampled), _ends(differences)
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


def _ends(resampled: Floats) -> tuple[Floats, Floats]:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0)
    return low, high
