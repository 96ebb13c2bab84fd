"""Choosing sources: what helps the ranker on several stretches of time, each after what the ranker learned from."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from multimodal.hybrid.learning_posts import LearningPosts
from multimodal.hybrid.ranker.config import RankerConfig
from multimodal.hybrid.ranker.fitting import fit_ranker
from multimodal.hybrid.ranker.ranker import Ranker
from multimodal.hybrid.ranker.rows import thinned
from multimodal.ranking.calibration import AS_THEY_ARE, Calibration

logger = logging.getLogger(__name__)
_K, _ROUNDS, _RATE = 5, 80, 0.1
# Wrong candidates of a post that rankers which are only tried learn from, and posts with hashtags that can judge them.
NEGATIVES, FEWEST_POSTS = 30, 20
# Of a post's chances, for the length of its list: chosen on stretches of time before the test split (BENCHMARKS.md).
_SPREAD = 2.0
# What another System has to add to be worth the time that it takes, and what another source may cost at most.
# Seeds differ by 0.003, and sources stand in for each other: leaving out two of them costs more than either.
_LEAST_GAIN_OF_SYSTEMS, _LEAST_GAIN = 0.002, -0.005
# Standard errors that a cost has to be below 0, so that few posts leave out nothing by chance.
_CERTAIN = 1.96


@dataclass(frozen=True, slots=True)
class Choice:
    """Which sources are left out, and why.

    Attributes:
        left_out: names.
        gains: F1@5 with a source minus without, over all windows, for each source that could be left out.
        by_chance: half the width of a 95 % interval of each gain, over posts.
        f1: of all sources on each window.
    """

    left_out: tuple[str, ...]
    gains: dict[str, float]
    by_chance: dict[str, float]
    f1: tuple[float, ...]


def windows_of(learning: LearningPosts, count: int) -> list[tuple[int, int]]:
    """Return where each window begins and ends; the last one is the validation split, the others end the train split.

    Windows before the validation split are as long as it is, as far as half of the train posts reach.
    """
    validation = len(learning.posts) - learning.train
    length = min(validation, learning.train // (2 * max(count - 1, 1)))
    starts = [learning.train - length * number for number in range(count - 1, 0, -1)] if length else []
    windows = [(start, start + length) for start in starts] + [(learning.train, len(learning.posts))]
    return [(start, stop) for start, stop in windows if start and _enough(learning, start, stop)]


def _enough(learning: LearningPosts, start: int, stop: int) -> bool:
    return sum(bool(post.hashtags) for post in learning.posts[start:stop]) >= FEWEST_POSTS


def choose(
    learning: LearningPosts, optional: Sequence[str], systems: Collection[str], windows: int, config: RankerConfig,
    seed: int,
) -> Choice:  # fmt: skip
    """Return which of the optional sources to leave out: Systems without which rankers do as well on later posts, and
    others without which they do better.

    Args:
        learning: posts with tables of all sources.
        optional: the sources that may be left out.
        systems: those of them that are other Systems.
        windows: how many stretches of time to try on.
        config: of the ranker; fewer rounds are tried.
        seed: of the rankers.
    """
    chosen = windows_of(learning, windows)
    if not chosen or not optional:
        return Choice((), {}, {}, ())
    quick = _as_in_the_end(learning, chosen[-1], faster(config), seed)
    weights = np.array([stop - start for start, stop in chosen], np.float64)
    everything = [_found_after(learning, window, quick, seed) for window in chosen]
    gains, by_chance, left_out = {}, {}, []
    for source in optional:
        without = learning.without([source])
        others = [_found_after(without, window, quick, seed) for window in chosen]
        differences = [one.f1 - other.f1 for one, other in zip(everything, others, strict=True)]
        gain = gains[source] = float(np.average(differences, weights=weights))
        chance = by_chance[source] = _CERTAIN * _standard_error(everything, others)
        logger.info("F1@5 with %s minus without: %+.4f ± %.4f", source, gain, chance)
        if gain < _LEAST_GAIN_OF_SYSTEMS if source in systems else gain < min(_LEAST_GAIN, -chance):
            left_out.append(source)
    return Choice(tuple(left_out), gains, by_chance, tuple(one.f1 for one in everything))


def _as_in_the_end(
    learning: LearningPosts, window: tuple[int, int], config: RankerConfig, seed: int
) -> RankerConfig:  # fmt: skip
    """Return the configuration with the kind of ranker that is best on the last window."""
    if config.kind != "auto":
        return config
    start, stop = window
    rows, table = thinned(learning.rows(0, start), NEGATIVES, seed), learning.table
    ranker = fit_ranker(rows, table.names, table.sources, config, learning.rows(start, stop), seed)
    return config.model_copy(update={"kind": ranker.kind})


def faster(config: RankerConfig) -> RankerConfig:
    """Return a configuration of the ranker that is fitted faster."""
    rounds = min(config.rounds, _ROUNDS)
    return config.model_copy(update={"rounds": rounds, "learning_rate": max(config.learning_rate, _RATE)})


@dataclass(frozen=True, slots=True)
class _Found:
    """What a ranker found of the hashtags of posts that have any.

    Attributes:
        precision, recall: (N,) of the five best.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    @property
    def f1(self) -> float:
        """Of the means."""
        if not self.precision.any():
            return 0.0
        precision, recall = float(self.precision.mean()), float(self.recall.mean())
        return 2 * precision * recall / (precision + recall)


def _standard_error(ones: Sequence[_Found], others: Sequence[_Found]) -> float:
    """Return that of the mean difference, paired by posts, of precision and recall averaged, which F1 goes by."""
    pairs = list(zip(ones, others, strict=True))
    differences = [(one.precision - other.precision + one.recall - other.recall) / 2 for one, other in pairs]
    every = np.concatenate(differences)
    return float(every.std() / np.sqrt(len(every)))


def _found_after(learning: LearningPosts, window: tuple[int, int], config: RankerConfig, seed: int) -> _Found:
    start, stop = window
    rows = thinned(learning.rows(0, start), NEGATIVES, seed)
    ranker = fit_ranker(rows, learning.table.names, learning.table.sources, config, seed=seed)
    return _found_at(ranker, learning, start, stop, _K)


def f1_at(ranker: Ranker, learning: LearningPosts, start: int, stop: int, k: int = _K) -> float:
    """Return F1@K of the means on some of the posts, those with hashtags."""
    return _found_at(ranker, learning, start, stop, k).f1


def _found_at(ranker: Ranker, learning: LearningPosts, start: int, stop: int, k: int) -> _Found:
    table, posts = learning.table.of_posts(start, stop), learning.posts[start:stop]
    truth = np.array([len(set(post.hashtags)) for post in posts])
    right = table.labels([post.hashtags for post in posts])
    return _found(table.rows, ranker.log_odds(table.values), right, truth, k)


def f1_of_scores(
    rows: NDArray[np.int64], scores: NDArray[np.float64], right: NDArray[np.bool_], truth: NDArray[np.int64], k: int
) -> float:
    """Return F1@K of the means over posts with hashtags.

    Args:
        rows: (n,) the post of each candidate, ascending.
        scores: (n,); equal ones go by their order.
        right: (n,).
        truth: (B,) how many hashtags each post has.
        k: length of the lists.
    """
    return _found(rows, scores, right, truth, k).f1


def _found(
    rows: NDArray[np.int64], scores: NDArray[np.float64], right: NDArray[np.bool_], truth: NDArray[np.int64], k: int
) -> _Found:
    hits, tagged = hits_of_scores(rows, scores, right, len(truth), k), truth > 0
    return _Found(hits[tagged] / k, hits[tagged] / truth[tagged])


def hits_of_scores(
    rows: NDArray[np.int64], scores: NDArray[np.float64], right: NDArray[np.bool_], posts: int, k: int
) -> NDArray[np.int64]:
    """Return how many of the k best candidates of each post are right, (posts,); see `f1_of_scores`."""
    order = np.lexsort((-scores, rows))
    ranks = np.empty(len(rows), np.int64)
    ranks[order] = np.arange(len(rows))
    firsts = np.searchsorted(rows, rows)
    return np.bincount(rows[right & (ranks - firsts < k)], minlength=posts)


def calibrated_on(ranker: Ranker, learning: LearningPosts, depth: int) -> Calibration | None:
    """Return that chances are used as they come, and how much lies outside of the first ranks of validation posts.

    Args:
        ranker: learned from train posts alone.
        learning: posts with their tables.
        depth: how many ranks.

    Returns:
        None without validation posts that have hashtags.
    """
    table = learning.table.of_posts(learning.train, len(learning.posts))
    posts = learning.posts[learning.train :]
    truth = np.array([len(set(post.hashtags)) for post in posts])
    right = table.labels([post.hashtags for post in posts])
    tagged = int(np.count_nonzero(truth))
    if not tagged:
        return None
    inside = int(hits_of_scores(table.rows, ranker.log_odds(table.values), right, len(posts), depth).sum())
    return replace(AS_THEY_ARE, outside=(int(truth.sum()) - inside) / tagged, depth=depth, spread=_SPREAD)
