"""`PostFeatures`: what a post has, the same for all of its candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from multimodal.hybrid.sources.base import Candidates, Description, Questions, Values
from multimodal.memory.questions.hashtag_values import HashtagValues

_HOUR_US = 3_600_000_000
_HISTORY = 500


class PostFeatures(Description):
    """Length of the caption, picture, history and age of the account, and how many candidates there are.

    Args:
        spaces: dense spaces; a post may have no vector in one.
    """

    name = "post"

    def __init__(self, spaces: Sequence[str]) -> None:
        self._spaces = tuple(spaces)
        self.columns = (
            *("words", "picture", "history", "account_hours", "since_own_hours", "own_hashtags", "candidates"),
            *(f"has_{space}" for space in spaces),
        )

    def describe(self, questions: Questions, candidates: Candidates, found: Mapping[str, HashtagValues]) -> Values:
        """Return the features of each candidate's post."""
        count = len(questions)
        columns = [
            np.diff(questions.words.indptr).astype(np.float64),
            np.array([post.image is not None for post in questions.posts], np.float64),
            *self._history(questions),
            np.bincount(candidates.rows, minlength=count).astype(np.float64),
            *(questions.has(space).astype(np.float64) for space in self._spaces),
        ]
        return np.stack(columns, axis=1)[candidates.rows]

    @staticmethod
    def _history(questions: Questions) -> list[Values]:
        """Return how many own posts there are, hours since the first and the last, and hashtags of each on average."""
        memory = questions.memory
        positions = questions.history(_HISTORY)
        counts = (positions >= 0).sum(1)
        now = questions.instants_us.astype(np.float64)
        hours = []
        for place in (np.maximum(counts - 1, 0), np.zeros(len(counts), np.int64)):
            ends = positions[np.arange(len(counts)), place] if positions.shape[1] else counts - 1
            then = memory.instants_us[ends].astype(np.float64) if len(memory) else now
            hours.append(np.where(counts > 0, (now - then) / _HOUR_US, np.nan))
        rows, places = np.nonzero(positions >= 0)
        used = np.bincount(rows, memory.hashtag_counts(positions[rows, places]), minlength=len(counts))
        own = np.where(counts > 0, used / np.maximum(counts, 1), np.nan)
        return [counts.astype(np.float64), *hours, own]


class Nearness(Description):
    """How near the neighbours are: their weights in all, and the largest similarity.

    Args:
        name: of a source of neighbours.
    """

    columns = ("all_weights", "nearest")

    def __init__(self, name: str) -> None:
        self.name = name

    def describe(self, questions: Questions, candidates: Candidates, found: Mapping[str, HashtagValues]) -> Values:
        """Return the values of each candidate's post."""
        values, nearest = found[self.name], np.zeros(len(questions))
        np.maximum.at(nearest, values.rows, values.column("best"))
        weights = np.bincount(values.rows, values.column("weight"), minlength=len(questions))
        return np.stack([weights, nearest], axis=1)[candidates.rows]


class Agreement(Description):
    """By how many sources a hashtag is proposed."""

    name = "agreement"
    columns = ("sources",)

    def describe(self, questions: Questions, candidates: Candidates, found: Mapping[str, HashtagValues]) -> Values:
        """Return the number of sources."""
        return np.asarray(candidates.proposed.sum(1, keepdims=True), np.float64)
