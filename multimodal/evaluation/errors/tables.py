"""The tables of the error analysis: confusion of each hashtag, by frequency, pairs, NDCG of posts, calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from multimodal.evaluation.errors.flat_ranking import FlatRanking
from multimodal.evaluation.metrics.accuracy import Floats, Ints, ndcg

# Lower ends of the bands; a hashtag that train never saw has one to itself.
BAND_STARTS = (0, 1, 5, 20, 50, 100, 500, 1000)
MOST_PAIRS = 200
BIN_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
BINS = 10


def confusion_table(ranking: FlatRanking, k: int, train_frequency: Mapping[str, int]) -> pd.DataFrame:
    """Count for each hashtag in how many posts it is recommended among the first K or not, correctly or not.

    Args:
        train_frequency: train posts that carry a hashtag; 0 where it is not there.

    Returns:
        One row per hashtag that is true or named somewhere, by falling number of true posts: hashtag,
        train_frequency, true_posts, named, tp, fp, fn, tn (which sum to N), precision, recall, f1; NaN where a
        hashtag is never named or never true.
    """
    size = len(ranking.names)
    within = ranking.rank <= k
    named = np.bincount(ranking.tag[within], minlength=size)
    right = np.bincount(ranking.tag[within & ranking.hit], minlength=size)
    support = ranking.support
    used = np.flatnonzero(named + support)
    names = [ranking.names[index] for index in used.tolist()]
    table = pd.DataFrame(
        {
            "hashtag": names,
            "train_frequency": [train_frequency.get(name, 0) for name in names],
            "true_posts": support[used],
            "named": named[used],
            "tp": right[used],
            "fp": (named - right)[used],
            "fn": (support - right)[used],
            "tn": len(ranking) - (named + support - right)[used],
        }
    )
    table["precision"] = _share(table["tp"], table["named"])
    table["recall"] = _share(table["tp"], table["true_posts"])
    table["f1"] = _share(2 * table["tp"], table["named"] + table["true_posts"])
    order = ["true_posts", "named", "hashtag"]
    return table.sort_values(order, ascending=[False, False, True], ignore_index=True)


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part.div(whole.where(whole > 0))


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
    table["precision"] = _share(table["tp"], table["named"])
    table["recall"] = _share(table["tp"], table["true_posts"])
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


def confused_pairs(ranking: FlatRanking, k: int, most: int = MOST_PAIRS) -> pd.DataFrame:
    """Count in how many posts one hashtag is true but missed while another is named wrongly among the first K.

    Args:
        most: pairs returned, those of most posts.

    Returns:
        missed, instead, posts, share (of the posts that miss the first), lift: how much more often than if missing the
        one and wrongly recommending the other were independent. Popular hashtags are named wrongly
        beside everything and have a lift near 1; a real confusion has a large one.
    """
    from scipy import sparse

    shape = (len(ranking), len(ranking.names))
    missed = (ranking.true_rank == 0) | (ranking.true_rank > k)
    wrong = (ranking.rank <= k) & ~ranking.hit
    misses = _table(ranking.true_post[missed], ranking.true_tag[missed], shape)
    wrongs = _table(ranking.post[wrong], ranking.tag[wrong], shape)
    together = sparse.coo_array(misses.T @ wrongs)
    missed_in, wrong_in = np.bincount(ranking.true_tag[missed], minlength=shape[1]), wrongs.sum(axis=0)
    first, second = together.coords
    posts = together.data
    lift = posts * len(ranking) / (missed_in[first] * np.asarray(wrong_in)[second])
    # Of equals the more telling first, then by name, so that the table does not depend on the numbering.
    order = sorted(
        np.flatnonzero(posts >= _threshold(posts, most)).tolist(),
        key=lambda at: (-posts[at], -round(float(lift[at]), 9), ranking.names[first[at]], ranking.names[second[at]]),
    )[:most]
    return pd.DataFrame(
        {
            "missed": [ranking.names[first[at]] for at in order],
            "instead": [ranking.names[second[at]] for at in order],
            "posts": posts[order].astype(np.int64),
            "share": posts[order] / missed_in[first[order]],
            "lift": lift[order],
        }
    )


def _threshold(posts: Floats, most: int) -> float:
    return 0.0 if len(posts) <= most else float(np.partition(posts, len(posts) - most)[len(posts) - most])


def _table(rows: Ints, columns: Ints, shape: tuple[int, int]) -> Any:
    from scipy import sparse

    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def ndcg_of_posts(ranking: FlatRanking, k: int) -> Floats:
    """Return NDCG@K of each post, (N,)."""
    hits = np.zeros((len(ranking), max(ranking.depth, 1)), np.bool_, order="F")
    hits[ranking.post[ranking.hit], ranking.rank[ranking.hit] - 1] = True
    return ndcg(hits, ranking.true_count, np.array([k]))[:, 0]


def ndcg_distribution(values: Floats) -> pd.DataFrame:
    """Count the posts by NDCG in steps of 0.2; a bin holds its lower end, the last one both.

    Args:
        values: (N,) in 0..1.

    Returns:
        low, high, posts, share.
    """
    counts, _ = np.histogram(np.clip(values, 0, 1), np.array(BIN_EDGES))
    return pd.DataFrame(
        {"low": BIN_EDGES[:-1], "high": BIN_EDGES[1:], "posts": counts, "share": counts / max(len(values), 1)}
    )


def calibration_table(ranking: FlatRanking, k: int) -> pd.DataFrame:
    """Compare the score of the named hashtags with the share of them that is true, bin by bin.

    Scores within 0..1 are put in ten bins of equal width; others, which are not probabilities, in ten bins of
    (nearly) equal number.

    Returns:
        low, high, named, mean_score, share_true; one row per bin that holds a score.
    """
    within = ranking.rank <= k
    scores, hits = ranking.score[within], ranking.hit[within]
    columns = ["low", "high", "named", "mean_score", "share_true"]
    if not len(scores):
        return pd.DataFrame(columns=columns)
    edges = np.linspace(0, 1, BINS + 1)
    if scores.min() < 0 or scores.max() > 1:
        edges = np.unique(np.quantile(scores, edges))
    if len(edges) < 2:
        edges = np.array([edges[0], edges[0]])
    number = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, len(edges) - 2)
    named = np.bincount(number, minlength=len(edges) - 1)
    held = np.flatnonzero(named)
    total = np.bincount(number, scores, minlength=len(named))[held]
    right = np.bincount(number, hits, minlength=len(named))[held]
    rows = (edges[:-1][held], edges[1:][held], named[held], total / named[held], right / named[held])
    return pd.DataFrame(dict(zip(columns, rows, strict=True)))


def calibration_error(table: pd.DataFrame) -> float:
    """Return the expected calibration error, Σ named · |share true − mean score| / Σ named (Naeini et al. 2015).

    NaN where scores are not within 0..1 or nothing was named.
    """
    if table.empty or table["low"].iloc[0] < 0 or table["high"].iloc[-1] > 1:
        return float("nan")
    gap = (table["share_true"] - table["mean_score"]).abs()
    return float((gap * table["named"]).sum() / table["named"].sum())
