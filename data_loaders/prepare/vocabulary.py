"""`Vocabulary`: the hashtags that a closed-vocabulary network can recommend, taken from the train split alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from data_loaders.errors import DataError

DEFAULT_MINIMUM_FREQUENCY = 5


def default_minimum_frequency(tagged_train_posts: int) -> int:
    """Return how many train posts must carry a hashtag for it to enter the vocabulary.

    The customary value is 5. It is 3 below 2,400 train posts with hashtags and 2 below 800, because on small dumps 5
    would leave most of the truth outside the vocabulary.

    >>> [default_minimum_frequency(posts) for posts in (500, 2_000, 10_000)]
    [2, 3, 5]
    """
    if tagged_train_posts < 800:
        return 2
    return 3 if tagged_train_posts < 2_400 else DEFAULT_MINIMUM_FREQUENCY


@dataclass(frozen=True)
class Vocabulary:
    """A two-way mapping between hashtags and indices.

    Attributes:
        hashtags: hashtags in index order: by decreasing frequency, then alphabetically.
        frequencies: number of train posts with each hashtag.
        minimum_frequency: rarer hashtags are not in the vocabulary.
    """

    hashtags: tuple[str, ...]
    frequencies: tuple[int, ...]
    minimum_frequency: int
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        problem = _problem(self.hashtags, self.frequencies, self.minimum_frequency)
        if problem:
            raise DataError(f"the vocabulary is invalid: {problem}")
        object.__setattr__(self, "_index", {hashtag: index for index, hashtag in enumerate(self.hashtags)})

    def __len__(self) -> int:
        return len(self.hashtags)

    def __contains__(self, hashtag: object) -> bool:
        return hashtag in self._index

    def index_of(self, hashtag: str) -> int | None:
        """Return the index of `hashtag`, or None when it is outside the vocabulary."""
        return self._index.get(hashtag)

    @classmethod
    def from_counts(cls, counts: dict[str, int], minimum_frequency: int, maximum_size: int | None = None) -> Vocabulary:
        """Return the vocabulary of all hashtags that occur in at least `minimum_frequency` posts.

        Args:
            counts: number of train posts by hashtag.
            minimum_frequency: how many posts must carry a hashtag, at least 1.
            maximum_size: how many hashtags to keep, at least 1: the most frequent ones, and the alphabetically first
                among equally frequent ones; None for all.

        Raises:
            DataError: `minimum_frequency` is below 1, or no hashtag is that frequent.

        >>> Vocabulary.from_counts({"sea": 3, "sky": 5, "tide": 1}, minimum_frequency=2).hashtags
        ('sky', 'sea')
        """
        if minimum_frequency < 1:
            raise DataError(f"minimum frequency {minimum_frequency}; it must be at least 1")
        kept = sorted(
            ((hashtag, count) for hashtag, count in counts.items() if count >= minimum_frequency),
            key=lambda pair: (-pair[1], pair[0]),
        )[:maximum_size]
        if not kept:
            most = max(counts.values(), default=0)
            raise DataError(
                f"no hashtag occurs in {minimum_frequency} train posts (the most frequent of {len(counts):,} occurs "
                f"in {most}); lower --minimum-frequency or use more posts"
            )
        hashtags, frequencies = zip(*kept, strict=True)
        return cls(hashtags, frequencies, minimum_frequency)

    @classmethod
    def from_posts(cls, hashtags: Iterable[tuple[str, ...]], minimum_frequency: int) -> Vocabulary:
        """Return the vocabulary of the train posts' hashtags, each counted once per post.

        Args:
            hashtags: one tuple per train post.
            minimum_frequency: how many posts must carry a hashtag, at least 1.

        Raises:
            DataError: no hashtag is that frequent.
        """
        counts: Counter[str] = Counter()
        for row in hashtags:
            counts.update(set(row))
        return cls.from_counts(counts, minimum_frequency)

    def save(self, path: Path) -> None:
        """Write the vocabulary as JSON."""
        content = {
            "minimum_frequency": self.minimum_frequency,
            "hashtags": list(self.hashtags),
            "frequencies": list(self.frequencies),
        }
        path.write_text(json.dumps(content, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read a vocabulary from JSON.

        Raises:
            DataError: the file is missing, is not JSON or does not contain a valid vocabulary.
        """
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise DataError(f"vocabulary {path}: there is no such file") from error
        except (OSError, ValueError) as error:
            raise DataError(f"vocabulary {path} cannot be read: {error}") from error
        keys = ("minimum_frequency", "hashtags", "frequencies")
        missing = [key for key in keys if not isinstance(content, dict) or key not in content]
        if missing:
            raise DataError(f"vocabulary {path} lacks {', '.join(missing)}; expected an object with {', '.join(keys)}")
        minimum, hashtags, frequencies = (content[key] for key in keys)
        if not isinstance(hashtags, list) or not isinstance(frequencies, list):
            raise DataError(f"vocabulary {path}: hashtags and frequencies must be lists")
        problem = _problem(tuple(hashtags), tuple(frequencies), minimum)
        if problem:
            raise DataError(f"vocabulary {path} is invalid: {problem}")
        return cls(tuple(hashtags), tuple(frequencies), minimum)


def _problem(hashtags: tuple[Any, ...], frequencies: tuple[Any, ...], minimum: Any) -> str | None:
    if len(hashtags) != len(frequencies):
        return f"{len(hashtags):,} hashtags but {len(frequencies):,} frequencies"
    if not isinstance(minimum, int) or isinstance(minimum, bool) or minimum < 1:
        return f"minimum frequency {minimum!r} is not a whole number of at least 1"
    for hashtag, frequency in zip(hashtags, frequencies, strict=True):
        if not isinstance(hashtag, str) or not hashtag:
            return f"{hashtag!r} is not a hashtag"
        if not isinstance(frequency, int) or isinstance(frequency, bool) or frequency < minimum:
            return f"frequency {frequency!r} of {hashtag!r} is not a whole number of at least {minimum}"
    if len(set(hashtags)) != len(hashtags):
        twice = next(hashtag for hashtag, count in Counter(hashtags).items() if count > 1)
        return f"{twice!r} occurs twice"
    order = [(-frequency, hashtag) for hashtag, frequency in zip(hashtags, frequencies, strict=True)]
    if any(earlier > later for earlier, later in pairwise(order)):
        return "the hashtags are not in order of decreasing frequency"
    return None
