"""Does the truth show in the lists themselves: in the order of ties, or in their lengths?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from multimodal.audit.context import AuditContext
from multimodal.audit.finding import Finding
from multimodal.evaluation.files.text_table import percent

_UNLIKELY = 1e-3
_HIGH_CORRELATION = 0.5
_MOST_LISTS = 0.9


def ties_settled_without_truth(context: AuditContext) -> Finding:
    """Look at adjacent hashtags of equal score: train frequency, then name, must order them, not the truth."""
    from scipy.stats import binomtest

    rankings = context.rank(context.truth)
    frequency = dict(zip(context.data.vocabulary.hashtags, context.data.vocabulary.frequencies, strict=True))
    tied = against_rule = true_first = one_true = 0
    for row, post in enumerate(context.posts):
        for (first, score), (second, next_score) in pairwise(rankings.of(row)):
            if not np.isclose(score, next_score, rtol=0, atol=1e-12):
                continue
            tied += 1
            if (-frequency.get(first, 0), first) < (-frequency.get(second, 0), second):
                continue
            against_rule += 1
            hits = (first in post.hashtags, second in post.hashtags)
            one_true += hits[0] != hits[1]
            true_first += hits == (True, False)
    by_truth = bool(one_true) and binomtest(true_first, one_true, 0.5, alternative="greater").pvalue < _UNLIKELY
    seen = f"{tied:,} pairs of adjacent hashtags have equal scores"
    return Finding.check(
        "ties_settled_without_truth",
        bool(against_rule),
        good=f"{seen}; all are ordered by falling train frequency, then by name." if tied else "No scores are equal.",
        bad=f"{seen}; {against_rule:,} are not ordered by falling train frequency, then by name. One of the two is "
        f"true in {one_true:,} of these pairs, and it comes first in {true_first:,}.",
        remedy="Sort candidates with multimodal.ranking.top_k.order_candidates, which does not see the truth.",
        numbers={"ties": tied, "against_the_rule": against_rule, "one_true": one_true, "true_first": true_first},
        only_warn=not by_truth,
    )


def list_length_independent_of_truth(context: AuditContext) -> Finding:
    """Compare the length of each list with K and with the number of true hashtags."""
    lengths = (context.rank(context.truth).indices >= 0).sum(axis=1)
    true = np.array([len(tags) for tags in context.truth])
    short = int((lengths < context.k).sum())
    correlation = _correlation(lengths.astype(np.float64), true.astype(np.float64))
    equal = float((lengths == np.minimum(true, context.k)).mean())
    revealing = correlation > _HIGH_CORRELATION or (equal > _MOST_LISTS and len(set(lengths.tolist())) > 1)
    return Finding.check(
        "list_length_independent_of_truth",
        bool(short),
        good=f"All {len(true):,} lists have the requested {context.k} hashtags.",
        bad=f"{short:,} of {len(true):,} lists have fewer than the requested {context.k} hashtags; {percent(equal, 0)} "
        f"are as long as the truth, and the two lengths have a correlation of {correlation:.2f}.",
        remedy="The number of true hashtags must not decide the length of a list: rank K hashtags for every post."
        if revealing
        else "Fill lists up to K (multimodal.ranking.fill), or report that empty ranks count as misses.",
        numbers={
            "k": context.k,
            "posts": len(true),
            "shorter_than_k": short,
            "as_long_as_the_truth": equal,
            "correlation": correlation,
        },
        only_warn=not revealing,
    )


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    if not first.std() or not second.std():
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
