"""`Trends`: what everybody uses at the moment, and how old and how frequent hashtags are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np

from multimodal.hybrid.sources.base import Candidates, Description, Ints, Questions, Source, Values
from multimodal.memory.questions.hashtag_values import (
    HashtagValues,
    PairGroups,
    pair_keys,
    places_in_runs,
    run_sizes,
    run_starts,
)
from multimodal.memory.questions.postings import Found

HALF_LIVES = (timedelta(days=1), timedelta(days=30), timedelta(days=365))
_HOUR_US = 3_600_000_000


class Trends(Source):
    """Proposes the hashtags with the largest decayed counts, by each half-life.

    Args:
        count: how many by each half-life.
    """

    name = "trends"
    columns = ("leads",)

    def __init__(self, count: int = 6) -> None:
        self._count, self.reach = count, count * len(HALF_LIVES)

    def values(self, questions: Questions, found: Mapping[str, HashtagValues]) -> HashtagValues:
        """Return by how many half-lives each hashtag is among the leading ones."""
        asked, moments = questions.memory.questions, questions.instants_us
        leading = [asked.trends(moments, half_life, count=self._count).hashtags for half_life in HALF_LIVES]
        table = np.concatenate(leading, axis=1)
        rows, places = (table >= 0).nonzero()
        pairs = PairGroups.by(rows, table[rows, places])
        return HashtagValues(pairs.rows, pairs.hashtags, pairs.counts()[:, None].astype(np.float64), self.columns)


class HashtagAge(Description):
    """Decayed counts of a hashtag by each half-life, how often it was used, how long ago, and of late by whom.

    Args:
        posts: of how many of the last posts with a hashtag it says whose they are, over how long they go back, and how
            many hashtags they have; 0 leaves that out.
    """

    name = "trends"
    ranked = ("uses_30d",)

    def __init__(self, posts: int = 20) -> None:
        self._posts = posts
        self.columns = (*(f"uses_{half_life.days}d" for half_life in HALF_LIVES), "uses", "share", "since_last")
        self.columns += ("users", "own", "listed", "since_first") if posts else ()

    def describe(self, questions: Questions, candidates: Candidates, found: Mapping[str, HashtagValues]) -> Values:
        """Return the counts and ages; 0 uses and no age before the first use."""
        rows, hashtags, asked = candidates.rows, candidates.hashtags, questions.memory.questions
        table, places = _padded(rows, hashtags, len(questions))
        moments = questions.instants_us[rows]
        decayed = [asked.trend_values(table, questions.instants_us, one)[rows, places] for one in HALF_LIVES]
        uses = asked.uses(hashtags, moments).astype(np.float64)
        share = uses / np.maximum(questions.earlier[rows], 1)
        newest = questions.newest(candidates, max(self._posts, 1))
        then = questions.memory.instants_us[newest.positions].astype(np.float64)
        hours = (moments[newest.rows].astype(np.float64) - then) / _HOUR_US
        starts = run_starts(newest.rows)
        ends = starts + run_sizes(starts, len(hours)) - 1
        ages = np.full((2, len(rows)), np.nan)
        ages[:, newest.rows[starts]] = hours[starts], hours[ends]
        of_late = [*self._of_late(questions, rows, newest), ages[1]] if self._posts else []
        return np.stack([*decayed, uses, share, ages[0], *of_late], axis=1)

    @staticmethod
    def _of_late(questions: Questions, rows: Ints, newest: Found) -> list[Values]:
        """Return how many users wrote the last posts with each hashtag, the user's own share, and their hashtags."""
        memory, count = questions.memory, np.bincount(newest.rows, minlength=len(rows))
        users = memory.users[newest.positions]
        keys = np.sort(pair_keys(newest.rows, users + 1))
        different = keys[run_starts(keys)] >> 32
        last = questions.history(1)[:, 0]
        user = np.where(last >= 0, memory.users[last], -2) if len(memory) else last
        own = np.bincount(newest.rows, users == user[rows][newest.rows], minlength=len(rows))
        listed = np.bincount(newest.rows, memory.hashtag_counts(newest.positions), minlength=len(rows))
        shares = [np.divide(one, count, out=np.full(len(rows), np.nan), where=count > 0) for one in (own, listed)]
        return [np.bincount(different, minlength=len(rows)).astype(np.float64), *shares]


def _padded(rows: Ints, hashtags: Ints, count: int) -> tuple[Ints, Ints]:
    """Return candidates as one table, padded with -1, and the place of each in its row."""
    starts = run_starts(rows)
    sizes = run_sizes(starts, len(rows))
    places = places_in_runs(starts, sizes)
    table = np.full((count, int(sizes.max(initial=1))), -1, np.int64)
    table[rows, places] = hashtags
    return table, places
