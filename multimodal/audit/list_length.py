"""Does the length of a list give away how many hashtags are true?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multimodal.audit.context import AuditContext
from multimodal.audit.finding import Finding
from multimodal.evaluation.files.text_table import percent

_HIGH_CORRELATION = 0.5
_MOST_LISTS = 0.9


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
