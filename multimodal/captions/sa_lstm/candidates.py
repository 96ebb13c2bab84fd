"""Which words of a caption could be a hashtag, and which of them are one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich.progress import track

from data_loaders.text.hashtags import normalise
from multimodal.distributed.processes import is_main_process
from multimodal.encoders.captions.words import split_words

_BAR_FROM_CAPTIONS = 20_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word of a caption, or several in a row written as one.

    Attributes:
        hashtag: its canonical form.
        start: place of its first word in the caption.
        words: how many there are.
    """

    hashtag: str
    start: int
    words: int


def candidates_of(caption: str, limit: int, longest: int) -> list[Candidate]:
    """Return what a caption's words could be as hashtags; punctuation and bare numbers are none.

    Args:
        caption: cleaned.
        limit: how many words of the caption are looked at, punctuation included.
        longest: how many words in a row are tried as one hashtag.

    >>> [one.hashtag for one in candidates_of("new york, 4th of covid 19", 30, 2)]
    ['new', 'newyork', 'york', '4th', '4thof', 'of', 'ofcovid', 'covid', 'covid19']
    """
    words = split_words(caption)[:limit]
    spoken = [any(map(str.isalnum, word)) for word in words]
    found = []
    for start in range(len(words)):
        for count in range(1, min(longest, len(words) - start) + 1):
            if not spoken[start + count - 1]:
                break
            hashtag = normalise("".join(words[start : start + count]))
            if hashtag:
                found.append(Candidate(hashtag, start, count))
    return found


@dataclass(frozen=True, slots=True)
class LabelledWords:
    """N posts as a sequence labeller sees them.

    Attributes:
        captions: cleaned, "" for none.
        candidates: per post.
        hashtags: per post, all that it has, inside the vocabulary or not.
    """

    captions: list[str]
    candidates: list[list[Candidate]]
    hashtags: list[frozenset[str]]

    @classmethod
    def of(
        cls, captions: Sequence[str], hashtags: Sequence[Collection[str]], limit: int, longest: int
    ) -> LabelledWords:
        """Find the candidates of captions.

        Args:
            captions: N, cleaned.
            hashtags: of each post.
            limit, longest: see `candidates_of`.
        """
        quiet = len(captions) < _BAR_FROM_CAPTIONS or not is_main_process()
        found = [candidates_of(one, limit, longest) for one in track(captions, "finding words", disable=quiet)]
        return cls(list(captions), found, [frozenset(tags) for tags in hashtags])

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
        """Return the share of all true hashtags that stand in their caption: the recall that words alone can have."""
        reached = sum(
            len(tags.intersection(one.hashtag for one in found))
            for found, tags in zip(self.candidates, self.hashtags, strict=True)
        )
        return reached / max(sum(map(len, self.hashtags)), 1)

    def positive_share(self, words: int) -> float:
        """Return the share of the candidates of so many words that are a hashtag; not quite 0 where none is."""
        labels = [
            label
            for row in range(len(self))
            for one, label in zip(self.candidates[row], self.labels(row), strict=True)
            if one.words == words
        ]
        return (sum(labels) + 0.5) / (len(labels) + 1)
