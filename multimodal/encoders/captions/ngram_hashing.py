"""The hashes of words, word n-grams and character n-grams in fastText (Bojanowski et al. 2017, arXiv 1607.04606).

They equal those of the fastText library (`dictionary.cc`): the same text falls into the same bucket.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

END_OF_LINE = "</s>"
_FNV_START, _FNV_FACTOR, _LOW_32 = 2166136261, 16777619, 2**32 - 1
_NGRAM_FACTOR = 116049371


@lru_cache(maxsize=2**16)
def text_hash(text: str) -> int:
    """Return the 32-bit FNV-1a hash of a text's UTF-8 bytes, each byte read as signed.

    >>> text_hash("foobar") == 0xBF9CF968
    True
    """
    value = _FNV_START
    for byte in text.encode():
        # A byte above 127 flips the upper bits too, because fastText casts to a signed byte first.
        value = ((value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * _FNV_FACTOR) & _LOW_32
    return value


def character_ngrams(word: str, shortest: int, longest: int) -> list[str]:
    """Return the character n-grams of a word between `<` and `>`, without `<` and `>` alone.

    >>> character_ngrams("cat", 3, 4)
    ['<ca', '<cat', 'cat', 'cat>', 'at>']
    """
    marked = f"<{word}>"
    return [
        marked[start : start + size]
        for start in range(len(marked))
        for size in range(shortest, min(longest, len(marked) - start) + 1)
        if not (size == 1 and start in (0, len(marked) - 1))
    ]


def word_ngram_buckets(hashes_BT: Tensor, words_B: Tensor, longest: int, buckets: int) -> Tensor:
    """Return the buckets of the word n-grams that start at each word, 2 to `longest` words long.

    h(w₁) = hash(w₁), h(w₁…wₖ) = h(w₁…wₖ₋₁) · 116049371 + hash(wₖ) modulo 2⁶⁴, bucket = h modulo `buckets`.

    Args:
        hashes_BT: `text_hash` of each word, 0 to 2³² - 1.
        words_B: number of words of each row, which come first.
        longest: n, at least 2.
        buckets: number of buckets.

    Returns:
        (B, T, n - 1), -1 where the row ends before the n-gram does.
    """
    # fastText stores hashes as signed 32-bit numbers and sign-extends them.
    signed = torch.where(hashes_BT >= 2**31, hashes_BT - 2**32, hashes_BT)
    positions = torch.arange(signed.shape[1], device=signed.device)
    joined, columns = signed, []
    for following in range(1, longest):
        ahead = torch.zeros_like(signed)
        ahead[:, : max(signed.shape[1] - following, 0)] = signed[:, following:]
        joined = joined * _NGRAM_FACTOR + ahead
        whole = positions + following < words_B.unsqueeze(1)
        columns.append(torch.where(whole, _unsigned_remainder(joined, buckets), -1))
    return torch.stack(columns, -1)


def _unsigned_remainder(values: Tensor, divisor: int) -> Tensor:
    """Return the remainder of unsigned 64-bit numbers."""
    remainder = torch.remainder(values, divisor)
    return torch.where(values < 0, torch.remainder(remainder + 2**64 % divisor, divisor), remainder)
