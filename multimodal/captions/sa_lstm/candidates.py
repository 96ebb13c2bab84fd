"""Words of a caption that could be a hashtag, and whether they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from data_loaders.text.hashtags import normalise
from multimodal.distributed.progress import shown
from multimodal.encoders.captions.words import split_words

_BAR_FROM_CAPTIONS = 20_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word of a caption, or several consecutive words written as one.

    Attributes:
        hashtag: its canonical form.
        start: index of its first word in the caption.
        words: number of words.
    """

    hashtag: str
    start: int
    words: int


def candidates_of(caption: str, limit: int, longest: int) -> list[Candidate]:
    """Return the words of a caption that could be hashtags, which punctuation and bare numbers cannot.

    Args:
        caption: cleaned.
        limit: number of words of the caption that are read, including punctuation.
        longest: most consecutive words that form one hashtag.

    >>> [one.hashtag for one in candidates_of("new york, 4th of covid 19", 30, 2)]
    ['new', 'newyork', 'york', '4th', '4thof', 'of', 'ofcovid', 'covid', 'covid19']
    """
    words = split_words(caption)[:limit]
    spoken = [any(map(str.isalnum, word)) for word in words]
    candidates = []
    for start in range(len(words)):
        for count in range(1, min(longest, len(words) - start) + 1):
            if not spoken[start + count - 1]:
                break
            hashtag = normalise("".join(words[start : start + count]))
            if hashtag:
                candidates.append(Candidate(hashtag, start, count))
    return candidates


@dataclass(frozen=True, slots=True)
class LabelledWords:
    """N posts as a sequence labeller sees them.

    Attributes:
        captions: cleaned, "" for none.
        candidates: per post.
        hashtags: per post, inside the vocabulary or not.
    """

    captions: list[str]
    candidates: list[list[Candidate]]
    hashtags: list[frozenset[str]]

    @classmethod
    def of(
        cls, captions: Sequence[str], hashtags: Sequence[Collection[str]], limit: int, longest: int
    ) -> LabelledWords:
        """Collect the candidates of captions.

        Args:
            captions: N, cleaned.
            hashtags: of each post.
            limit, longest: see `candidates_of`.
        """
        quiet = len(captions) < _BAR_FROM_CAPTIONS
        each = captions if quiet else shown(captions, "finding words", len(captions))
        candidates = [candidates_of(one, limit, longest) for one in each]
        return cls(list(captions), candidates, [frozenset(tags) for tags in hashtags])

    def __len__(self) -> int:
        return len(self.captions)

    def learnable(self) -> LabelledWords:
        """Return the posts that have a candidate."""
        kept = [row for row in range(len(self)) if self.candidates[row]]
        return LabelledWords(
            [self.captions[row] for row in kept],
            [self.candidates[row] for row in kept],
            [self.hashtags[row] for row in kept],
        )

    def labels(self, row: int) -> list[bool]:
        """Return which candidates of a post are one of its hashtags."""
        return [one.hashtag in self.hashtags[row] for one in self.candidates[row]]

    def reachable_share(self) -> float:
        """Return the share of true hashtags that occur in their caption: the largest recall of words alone."""
        reached = sum(
            len(tags.intersection(one.hashtag for one in candidates))
            for candidates, tags in zip(self.candidates, self.hashtags, strict=True)
        )
        return reached / max(sum(map(len, self.hashtags)), 1)

    def positive_share(self, words: int) -> float:
        """Return the smoothed share of hashtags among the candidates of so many words; never 0 or 1."""
        labels = [
            label
            for row in range(len(self))
            for one, label in zip(self.candidates[row], self.labels(row), strict=True)
            if one.words == words
        ]
        return (sum(labels) + 0.5) / (len(labels) + 1)
