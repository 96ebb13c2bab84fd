"""Are ties broken by a rule, or by the truth?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from multimodal.audit.context import AuditContext
from multimodal.audit.finding import Finding

_UNLIKELY = 1e-3


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
