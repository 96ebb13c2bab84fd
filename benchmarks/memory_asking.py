"""Ask a memory of generated posts about hashtags: trends, used together, of users and of words; for bench_memory.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np
from memory_stream import SPACE, Generator
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.posts import Post
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.questions.word_hashtags import RULES

Ints = NDArray[np.int64]
Ask = Callable[[Ints, Ints], object]

_WEEK = timedelta(days=7)
_WARM_UP, _GIVEN, _CANDIDATES, _BEST = 20, 3, 100, 100
_SEED = 2 * 10**9


@dataclass(frozen=True)
class Asking:
    """Questions that posts ask.

    Args:
        memory: of generated posts.
        generator: that drew them.
        count: how many posts ask.
    """

    memory: PostMemory
    generator: Generator
    count: int

    def figures(self) -> Iterator[tuple[str, float, str]]:
        """Yield name, value and unit of each figure."""
        draw = np.random.default_rng(_SEED)
        _, terms, _ = self.generator.block(_SEED, self.count)
        kinds = self._kinds(draw, terms)
        rows, now = np.arange(self.count), np.full(self.count, self.memory.now_us)
        start = time.process_time()
        for ask in kinds.values():
            ask(rows[:1], now[:1])
        yield "first answers to all questions", time.process_time() - start, "s of CPU time"
        moments = np.sort(draw.choice(self.memory.instants_us[len(self.memory) // 2 :], self.count))
        for name, ask in kinds.items():
            yield f"{name} for one post, p50", _median_ms(ask, rows, now), "ms"
            start = time.process_time()
            ask(rows, moments)
            yield f"{name} for {self.count:,} posts of the last year", time.process_time() - start, "s of CPU time"
        yield "all of these after another post, p50", self._observing(kinds, terms), "ms"

    def _kinds(self, draw: np.random.Generator, terms: sparse.csr_matrix) -> dict[str, Ask]:
        memory, questions = self.memory, self.memory.questions
        uses = memory.hashtag_pairs(draw.integers(0, len(memory), self.count * _CANDIDATES))[1]
        tags = draw.choice(uses, (self.count, _CANDIDATES))
        users = [memory.user_ids[number] for number in draw.integers(0, len(memory.user_ids), self.count)]
        return {
            "trends": lambda rows, t: questions.trends(t, _WEEK),
            "trends of a language": lambda rows, t: questions.trends(t, _WEEK, language="de"),
            f"trends of {_CANDIDATES} hashtags": lambda rows, t: questions.trend_values(tags[rows], t, _WEEK),
            "cooccurrence": lambda rows, t: questions.cooccurrence(tags[rows, :_GIVEN], t),
            "own hashtags": lambda rows, t: questions.own_hashtags([users[row] for row in rows], t),
            "word hashtags": lambda rows, t: questions.word_hashtags(terms[rows], t, rules=RULES, best=_BEST),
        }

    def _observing(self, kinds: dict[str, Ask], terms: sparse.csr_matrix) -> float:
        times = []
        for row in range(_WARM_UP + min(self.count, 200)):
            at = np.array([row % self.count])
            when = datetime.fromtimestamp(self.memory.now_us / 1e6, timezone.utc) + timedelta(minutes=1)
            hashtags = tuple(self.memory.id_map[index] for index in np.unique(np.arange(row, row + 60, 20)).tolist())
            post = Post(post_id=f"new{row}", user_id="u0", timestamp=when, hashtags=hashtags)
            width = self.memory.spaces[SPACE]
            self.memory.append([post], None, terms[at], {SPACE: np.ones((1, width), np.float32)}, ["de"])
            start = time.process_time()
            for ask in kinds.values():
                ask(at, np.array([self.memory.now_us]))
            times.append(time.process_time() - start)
        return float(np.median(times[_WARM_UP:])) * 1e3


def _median_ms(ask: Ask, rows: Ints, now: Ints) -> float:
    times = []
    for row in range(min(len(rows), 200 + _WARM_UP)):
        start = time.process_time()
        ask(rows[row : row + 1], now[row : row + 1])
        times.append(time.process_time() - start)
    return float(np.median(times[_WARM_UP:])) * 1e3
