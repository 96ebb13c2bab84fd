"""`WordSplitter`: hashtags as the words that they are made of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from multimodal.encoders.captions.words import split_words

MOST_WORDS, _FEWEST_CAPTIONS = 50_000, 3
# A piece of a hashtag is no longer; one that is not a word costs so much, and so much more for each letter.
_LONGEST, _UNKNOWN, _LETTER = 20, 12.0, 3.0


class WordSplitter:
    """Splits a hashtag where the product of its words' probabilities is largest; the r-th word has ~ 1 / r (Zipf).

    Args:
        words: known ones, the most frequent first, each once.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        total = math.log(len(self.words) + 1) + 1
        self._costs = {word: math.log((rank + 1) * total) for rank, word in enumerate(self.words)}

    @classmethod
    def of_captions(cls, captions: Iterable[str]) -> WordSplitter:
        """Learn the words that stand in three captions or more, at most 50,000."""
        counts = Counter(
            word for caption in captions for word in {one.casefold() for one in split_words(caption)} if word.isalnum()
        )
        known = sorted((-count, word) for word, count in counts.items() if count >= _FEWEST_CAPTIONS)
        return cls([word for _, word in known[:MOST_WORDS]])

    def split(self, hashtag: str) -> str:
        """Return the words of a hashtag, with spaces between; what is not a word stays together.

        >>> WordSplitter(["the", "green", "hills"]).split("greenhills_zoltan")
        'green hills zoltan'
        """
        return " ".join(word for piece in hashtag.split("_") if piece for word in self._words_of(piece))

    def _words_of(self, text: str) -> list[str]:
        costs, starts = [0.0], [0]
        for end in range(1, len(text) + 1):
            first = max(end - _LONGEST, 0)
            cost, start = min((costs[start] + self._cost(text[start:end]), start) for start in range(first, end))
            costs.append(cost)
            starts.append(start)
        words, end = list[str](), len(text)
        while end:
            words.append(text[starts[end] : end])
            end = starts[end]
        return words[::-1]

    def _cost(self, piece: str) -> float:
        return self._costs.get(piece, _UNKNOWN + _LETTER * len(piece))
