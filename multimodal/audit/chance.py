"""Do the figures fall to chance when there is nothing left to know?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from multimodal.audit.context import AuditContext
from multimodal.audit.finding import Finding
from multimodal.audit.memories import with_hashtags
from multimodal.evaluation.metrics.accuracy import f1_of_means
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.ranking.rankings import Rankings

Floats = NDArray[np.float64]
_PERMUTATIONS = 1_000
# By chance, a value is this many standard deviations above its expectation once in 30,000 audits.
_DEVIATIONS = 4.0
_SLACK = 1e-9
_FIGURE_AT = 5


def shuffled_truth_falls_to_chance(context: AuditContext) -> Finding:
    """Give every post the hashtags of another one, in query and memory, and evaluate the rankings against them.

    All that an honest System can then know is how frequent hashtags are, so F1 must fall to the expected overlap of
    its lists with the truth of any other post.
    """
    k = min(context.k, _FIGURE_AT)
    truth, posts = context.truth, np.arange(len(context.posts))
    order = np.random.default_rng(context.seed).permutation(len(truth))
    giver = np.empty_like(order)
    giver[order] = np.roll(order, 1)
    swapped = [truth[row] for row in giver]
    given = {post.post_id: tags for post, tags in zip(context.posts, swapped, strict=True)}
    rankings = context.rank(swapped, with_hashtags(context.system, context.memory, given))
    real = _f1(*_overlaps(context.rankings, truth, k), posts, k)
    overlaps, sizes = _overlaps(rankings, swapped, k)
    observed = _f1(overlaps, sizes, posts, k)
    draw = np.random.default_rng(context.seed + 1)
    chance = [_f1(overlaps, sizes, draw.permutation(len(truth)), k) for _ in range(_PERMUTATIONS)]
    mean, deviation = float(np.mean(chance)), float(np.std(chance))
    measured = (
        f"With the truth shuffled among {len(truth):,} posts, F1@{k} goes from {real:.4f} to {observed:.4f}; chance is "
        f"{mean:.4f} ± {deviation:.4f}."
    )
    return Finding.check(
        "shuffled_truth_falls_to_chance",
        observed > mean + _DEVIATIONS * deviation + _SLACK,
        good=measured,
        bad=measured,
        remedy="The rankings follow whatever truth a post is given: look for hashtags read from the query, from the "
        "post's own entry in the memory, or from posts of the same instant.",
        numbers={"k": k, "f1": real, "f1_shuffled": observed, "f1_chance": mean, "deviation": deviation},
    )


def _overlaps(rankings: Rankings, truth: Sequence[Sequence[str]], k: int) -> tuple[Floats, Floats]:
    """Return how many hashtags of each list are among the truth of each post, (N lists, N posts), and of how many."""
    from scipy import sparse

    lists = [[hashtag for hashtag, _ in ranking[:k]] for ranking in rankings]
    index = {tag: i for i, tag in enumerate(dict.fromkeys(chain(*lists, *truth)))}

    def table(rows: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        columns = [index[tag] for tags in rows for tag in tags]
        ends = np.cumsum([0, *map(len, rows)])
        return sparse.csr_matrix((np.ones(len(columns)), columns, ends), (len(rows), len(index)))

    sizes = np.array([len(tags) for tags in truth], np.float64)
    return np.asarray((table(lists) @ table(truth).T).todense()), sizes


def _f1(overlaps: Floats, sizes: Floats, truth_of: NDArray[np.int64], k: int) -> float:
    hits = overlaps[np.arange(len(overlaps)), truth_of]
    precision, recall = np.array((hits / k).mean()), np.array((hits / sizes[truth_of]).mean())
    return float(f1_of_means(precision, recall))


def constant_scores_fall_to_chance(context: AuditContext) -> Finding:
    """Evaluate random lists in which every score is the same.

    An evaluation that sorts by score and breaks ties by the truth rates such lists highly. Their expected precision is
    |G ∩ V| / V, that of drawing K of V hashtags at random.
    """
    names = list(context.data.vocabulary.hashtags)
    k = min(context.k, _FIGURE_AT, len(names))
    draw = np.random.default_rng(context.seed)
    indices = np.stack([draw.permutation(len(names))[: min(context.k, len(names))] for _ in context.posts]).astype(
        np.int64
    )
    post_ids = [post.post_id for post in context.posts]
    rankings = Rankings(post_ids, indices, np.full(indices.shape, 0.5), names)
    precision = evaluate_rankings(rankings, context.truth, [k], context.data.vocabulary).at(k)["precision"]
    known = set(names)
    shares = np.array([len(known.intersection(tags)) / len(names) for tags in context.truth])
    draws_left = (len(names) - k) / max(len(names) - 1, 1)
    deviation = float(np.sqrt((k * shares * (1 - shares) * draws_left).sum()) / (k * len(shares)))
    expected = float(shares.mean())
    measured = (
        f"Random lists with equal scores get precision@{k} {precision:.4f}; chance is {expected:.4f} ± {deviation:.4f}."
    )
    return Finding.check(
        "constant_scores_fall_to_chance",
        abs(precision - expected) > _DEVIATIONS * deviation + _SLACK,
        good=measured,
        bad=measured,
        remedy="The evaluation must take a list in the given order, whatever its scores.",
        numbers={"k": k, "precision": precision, "precision_chance": expected, "deviation": deviation},
    )
