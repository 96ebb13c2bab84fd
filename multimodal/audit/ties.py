"""Who settles ties: a rule, or the truth?"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from multimodal.audit.context import AuditContext
from multimodal.audit.finding import Finding

_UNLIKELY = 1e-3


def ties_settled_without_truth(context: AuditContext) -> Finding:
    """Look at neighbours of equal score: they stand by falling train frequency, then by name, not by being true."""
    from scipy.stats import binomtest

    posts = [
        replace(question, hashtags=post.hashtags)
        for question, post in zip(context.questions, context.posts, strict=True)
    ]
    answers = context.system.rank(posts, context.memory, context.k, context.excluded)
    frequency = dict(zip(context.data.vocabulary.hashtags, context.data.vocabulary.frequencies, strict=True))
    tied = against_rule = true_first = one_true = 0
    for row, post in enumerate(context.posts):
        listed = answers.of(row)
        for (first, score), (second, next_score) in pairwise(listed):
            if not np.isclose(score, next_score, rtol=0, atol=1e-12):
                continue
            tied += 1
            if (-frequency.get(first, 0), first) < (-frequency.get(second, 0), second):
                continue
            against_rule += 1
            hits = (first in post.hashtags, second in post.hashtags)
            one_true += hits[0] != hits[1]
            true_first += hits == (True, False)
    numbers = {"ties": tied, "against_the_rule": against_rule, "one_true": one_true, "true_first": true_first}
    seen = f"{tied:,} pairs of neighbours have equal scores"
    if not against_rule:
        return Finding(
            name="ties_settled_without_truth",
            status="passed",
            measured=f"{seen}; all stand by falling train frequency, then by name." if tied else "No scores are equal.",
            numbers=numbers,
        )
    by_truth = bool(one_true) and binomtest(true_first, one_true, 0.5, alternative="greater").pvalue < _UNLIKELY
    return Finding(
        name="ties_settled_without_truth",
        status="failed" if by_truth else "warning",
        measured=f"{seen}; {against_rule:,} stand against the rule (falling train frequency, then name), and in "
        f"{true_first:,} of the {one_true:,} with one true hashtag that one stands first.",
        numbers=numbers,
        remedy="Sort candidates with multimodal.ranking.top_k.order_candidates, which knows no truth.",
    )
