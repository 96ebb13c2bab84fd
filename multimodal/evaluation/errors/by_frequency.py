"""False positives and false negatives by how frequent a hashtag is in train."""

from __future__ import annotations

import numpy as np
import pandas as pd

from multimodal.evaluation.errors.flat_ranking import Floats

# Lower ends of the bands; a hashtag that train never saw has one to itself.
BAND_STARTS = (0, 1, 5, 20, 50, 100, 500, 1000)


def band_names() -> list[str]:
    """Return the bands as text, from `never` to `1000+`."""
    names = ["never"]
    for start, following in zip(BAND_STARTS[1:], [*BAND_STARTS[2:], 0], strict=True):
        names.append(f"{start}–{following - 1}" if following else f"{start}+")
    return names


def errors_by_frequency(confusion: pd.DataFrame) -> pd.DataFrame:
    """Add up the confusion counts by band of train frequency.

    Returns:
        One row per band that holds a hashtag: train_frequency, hashtags, true, named, tp, fp, fn, precision, recall,
        share_of_fp and share_of_fn (of all false positives and negatives).
    """
    band = np.searchsorted(BAND_STARTS, confusion["train_frequency"].to_numpy(), side="right") - 1
    groups = confusion.assign(band=band).groupby("band", sort=True)
    table = groups[["true_posts", "named", "tp", "fp", "fn"]].sum()
    table.insert(0, "hashtags", groups.size())
    names = band_names()
    table.insert(0, "train_frequency", [names[int(number)] for number in table.index])
    table["precision"] = table["tp"].div(table["named"].where(table["named"] > 0))
    table["recall"] = table["tp"].div(table["true_posts"].where(table["true_posts"] > 0))
    for column in ("fp", "fn"):
        table[f"share_of_{column}"] = table[column] / max(int(table[column].sum()), 1)
    return table.rename(columns={"true_posts": "true"}).reset_index(drop=True)


def frequency_correlations(confusion: pd.DataFrame) -> dict[str, float]:
    """Return Spearman's rank correlation of train frequency with false positives, false negatives and recall.

    NaN where one of the two does not vary.
    """
    rows = confusion[confusion["train_frequency"] > 0]
    frequency = rows["train_frequency"].to_numpy(np.float64)
    return {column: _spearman(frequency, rows[column].to_numpy(np.float64)) for column in ("fp", "fn", "recall")}


def _spearman(first: Floats, second: Floats) -> float:
    from scipy.stats import rankdata

    known = ~np.isnan(second)
    first, second = rankdata(first[known]), rankdata(second[known])
    if len(first) < 2 or not first.std() or not second.std():
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])
