"""Does a figure fall to chance when there is nothing left to know?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from multimodal.audit.context import AuditContext
from multimodal.audit.finding import Finding
from multimodal.audit.memories import with_hashtags
from multimodal.evaluation.metrics.accuracy import f1_of_means
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.ranking.rankings import Rankings

_PERMUTATIONS = 1_000
# A value this many standard deviations from its expectation comes by chance once in 30,000 audits.
_DEVIATIONS = 4.0
_SLACK = 1e-9
_FIGURE_AT = 5


def shuffled_truth_falls_to_chance(context: AuditContext) -> Finding:
    """Hand every post the hashtags of another one, in question and memory, and evaluate the answers against those.

    All that an honest System can then know is how frequent hashtags are, so F1 must fall to the expected overlap of
    its lists with the truth of any other post.
    """
    k = min(context.k, _FIGURE_AT)
    own = [post.hashtags for post in context.posts]
    order = np.random.default_rng(context.seed).permutation(len(own))
    giver = np.empty_like(order)
    giver[order] = np.roll(order, 1)
    swapped = [own[row] for row in giver]
    given = {post.post_id: tags for post, tags in zip(context.posts, swapped, strict=True)}
    memory = with_hashtags(context.system, context.memory, given)
    questions = [replace(post, hashtags=given[post.post_id]) for post in context.questions]
    answers = context.system.rank(questions, memory, context.k, context.excluded)
    real = _f1(_overlaps(context.answers, own, k), _sizes(own), np.arange(len(own)), k)
    overlaps, sizes = _overlaps(answers, swapped, k), _sizes(swapped)
    observed = _f1(overlaps, sizes, np.arange(len(own)), k)
    draw = np.random.default_rng(context.seed + 1)
    chance = [_f1(overlaps, sizes, draw.permutation(len(own)), k) for _ in range(_PERMUTATIONS)]
    mean, deviation = float(np.mean(chance)), float(np.std(chance))
    limit = mean + _DEVIATIONS * deviation + _SLACK
    fallen = observed <= limit
    return Finding(
        name="shuffled_truth_falls_to_chance",
        status="passed" if fallen else "failed",
        measured=f"With the truth dealt out anew among {len(own):,} posts, F1@{k} falls from {real:.4f} to "
        f"{observed:.4f}; chance is {mean:.4f} ± {deviation:.4f}.",
        numbers={"k": k, "f1": real, "f1_shuffled": observed, "f1_chance": mean, "deviation": deviation},
        remedy=""
        if fallen
        else "The answers follow whatever truth a post is given: look for hashtags read from the question, from "
        "the post's own entry in the memory, or from posts of the same instant.",
    )


def _overlaps(rankings: Rankings, truth: Sequence[Sequence[str]], k: int) -> NDArray[np.float64]:
    """Return how many hashtags of each list are among the truth of each post, (N lists, N posts)."""
    from scipy import sparse

    lists = [[hashtag for hashtag, _ in ranking[:k]] for ranking in rankings]
    number: dict[str, int] = {}
    for tags in [*lists, *truth]:
        for tag in tags:
            number.setdefault(tag, len(number))

    def table(rows: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        columns = [number[tag] for tags in rows for tag in tags]
        ends = np.cumsum([0, *map(len, rows)])
        return sparse.csr_matrix((np.ones(len(columns)), columns, ends), (len(rows), len(number)))

    return np.asarray((table(lists) @ table(truth).T).todense())


def _sizes(truth: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    return np.array([len(tags) for tags in truth], np.float64)


def _f1(overlaps: NDArray[np.float64], sizes: NDArray[np.float64], truth_of: NDArray[np.int64], k: int) -> float:
    found = overlaps[np.arange(len(overlaps)), truth_of]
    precision, recall = np.array((found / k).mean()), np.array((found / sizes[truth_of]).mean())
    return float(f1_of_means(precision, recall))


def constant_scores_fall_to_chance(context: AuditContext) -> Finding:
    """Evaluate lists drawn at random in which every score is the same.

    An evaluation that sorts by score and settles ties by the truth gives such lists high marks. Their expected
    precision is |G ∩ V| / V, that of drawing K of V hashtags without looking.
    """
    names = list(context.data.vocabulary.hashtags)
    k = min(context.k, _FIGURE_AT, len(names))
    draw = np.random.default_rng(context.seed)
    indices = np.stack([draw.permutation(len(names))[: min(context.k, len(names))] for _ in context.posts]).astype(
        np.int64
    )
    post_ids = [post.post_id for post in context.posts]
    rankings = Rankings(post_ids, indices, np.full(indices.shape, 0.5), names)
    truth = [post.hashtags for post in context.posts]
    precision = evaluate_rankings(rankings, truth, [k], context.data.vocabulary).at(k)["precision"]
    known = set(names)
    shares = np.array([len(known.intersection(tags)) / len(names) for tags in truth])
    draws_left = (len(names) - k) / max(len(names) - 1, 1)
    deviation = float(np.sqrt((k * shares * (1 - shares) * draws_left).sum()) / (k * len(truth)))
    expected = float(shares.mean())
    fallen = abs(precision - expected) <= _DEVIATIONS * deviation + _SLACK
    return Finding(
        name="constant_scores_fall_to_chance",
        status="passed" if fallen else "failed",
        measured=f"Lists drawn at random with one score for all get precision@{k} {precision:.4f}; chance is "
        f"{expected:.4f} ± {deviation:.4f}.",
        numbers={"k": k, "precision": precision, "precision_chance": expected, "deviation": deviation},
        remedy="" if fallen else "The evaluation must take a list in the order it is given, whatever its scores.",
    )
