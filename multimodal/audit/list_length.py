"""Does the length of a list tell how many hashtags are true?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from multimodal.audit.context import AuditContext
from multimodal.audit.finding import Finding, Number

_TELLING = 0.5
_MOSTLY = 0.9


def list_length_independent_of_truth(context: AuditContext) -> Finding:
    """Compare the length of each list with K and with the number of true hashtags."""
    posts = [
        replace(question, hashtags=post.hashtags)
        for question, post in zip(context.questions, context.posts, strict=True)
    ]
    answers = context.system.rank(posts, context.memory, context.k, context.excluded)
    lengths = (answers.indices >= 0).sum(axis=1)
    true = np.array([len(post.hashtags) for post in context.posts])
    short = int((lengths < context.k).sum())
    correlation = _correlation(lengths.astype(np.float64), true.astype(np.float64))
    equal = float((lengths == np.minimum(true, context.k)).mean())
    numbers: dict[str, Number] = {
        "k": context.k,
        "posts": len(true),
        "shorter_than_k": short,
        "as_long_as_the_truth": equal,
        "correlation": correlation,
    }
    name = "list_length_independent_of_truth"
    if not short:
        measured = f"Asked for {context.k}, all {len(true):,} lists hold {context.k}."
        return Finding(name=name, status="passed", measured=measured, numbers=numbers)
    measured = (
        f"Asked for {context.k}, {short:,} of {len(true):,} lists are shorter; {equal:.0%} are as long as the truth, "
        f"and the correlation of the two lengths is {correlation:.2f}."
    )
    if correlation > _TELLING or (equal > _MOSTLY and len(set(lengths.tolist())) > 1):
        remedy = "The number of true hashtags must not decide the length of a list: rank K for every post."
        return Finding(name=name, status="failed", measured=measured, numbers=numbers, remedy=remedy)
    remedy = "Fill lists up to K (multimodal.ranking.fill), or say with the figures that empty places count as misses."
    return Finding(name=name, status="warning", measured=measured, numbers=numbers, remedy=remedy)


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    if not first.std() or not second.std():
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
