"""Fingerprints of true hashtags, by which two saved evaluations can tell whether they have the same truth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

FINGERPRINT = "truth_fingerprint"
_BITS = 64


def truth_fingerprints(truth: Sequence[Sequence[str]]) -> NDArray[np.uint64]:
    """Return one number per post: equal for equal sets of hashtags, and practically never equal for others.

    Args:
        truth: the true hashtags of N posts; order and repeats do not matter.

    Returns:
        (N,).
    """
    sums = (sum(map(_number, set(hashtags))) % 2**_BITS for hashtags in truth)
    return np.fromiter(sums, np.uint64, len(truth))


@lru_cache(maxsize=2**16)
def _number(hashtag: str) -> int:
    return int.from_bytes(blake2b(hashtag.encode("utf-8", "surrogatepass"), digest_size=_BITS // 8).digest(), "little")
