"""Does the length of a list tell how many hashtags are true?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from multimodal.audit.context import AuditCase
from multimodal.audit.finding import Finding, Number

_TELLING = 0.5
_MOSTLY = 0.9


def list_length_independent_of_truth(case: AuditCase) -> Finding:
    """Compare the length of each list with K and with the number of true hashtags."""
    posts = [
        replace(question, hashtags=post.hashtags) for question, post in zip(case.questions, case.posts, strict=True)
    ]
    answers = case.system.rank(posts, case.memory, case.k, case.excluded)
    lengths = (answers.indices >= 0).sum(axis=1)
    true = np.array([len(post.hashtags) for post in case.posts])
    short = int((lengths < case.k).sum())
    correlation = _correlation(lengths.astype(np.float64), true.astype(np.float64))
    equal = float((lengths == np.minimum(true, case.k)).mean())
    numbers: dict[str, Number] = {
        "k": case.k,
        "posts": len(true),
        "shorter_than_k": short,
        "as_long_as_the_truth": equal,
        "correlation": correlation,
    }
    name = "list_length_independent_of_truth"
    if not short:
        measured = f"Asked for {case.k}, all {len(true):,} lists hold {case.k}."
        return Finding(name=name, status="passed", measured=measured, numbers=numbers)
    measured = (
        f"Asked for {case.k}, {short:,} of {len(true):,} lists are shorter; {equal:.0%} are as long as the truth, and "
        f"the correlation of the two lengths is {correlation:.2f}."
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
