"""`trends`: what everybody uses at the moment, the same list for all posts of an instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from data_loaders.posts import Post
from data_loaders.text.languages import language_of
from multimodal.baselines.windows import K, Lists, TuningConfig, choose, tuning_windows
from multimodal.config import RunConfig
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.questions.trend_table import TopHashtags
from multimodal.ranking.fill import fill_up
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.top_k import SCORE_DECIMALS, RankedList
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.base import Excluded
from multimodal.systems.prior_system import PriorSystem
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

# A count of 2^-64 has the logarithm -44; popular hashtags score ln(share) below this.
_BACKOFF = -100.0
HalfLife = Annotated[float, Field(ge=0.001, le=36_500)]


class TrendsConfig(RunConfig):
    """Configuration of `trends`."""

    system: Literal["trends"] = Field(default="trends", description="name of the System")
    half_lives_days: tuple[HalfLife, ...] = Field(
        default=(0.1, 0.2, 0.5, 1, 2, 7, 30, 90, 365),
        min_length=1,
        description="to choose from; a use this long ago counts half",
    )
    language: bool = Field(
        default=False, description="count posts in the language of the caption alone; all posts where it is not known"
    )
    tuning: TuningConfig = TuningConfig()


@register_system("trends")
class Trends(PriorSystem):
    """Ranks all hashtags by the decayed count of their uses strictly before the post, Σ 2^(-age / half-life).

    The score is the logarithm of the count; popular hashtags fill the list, with scores below.

    Attributes:
        half_life_days: chosen by `fit`.
    """

    config_type = TrendsConfig
    file, chosen = "trends.json", ("half_life_days",)
    config: TrendsConfig
    half_life_days: float

    def new_memory(self) -> PostMemory:
        """Return an empty memory, which finds out the languages of captions if they count."""
        return PostMemory(self.id_map.vocabulary(), detect_languages=self.config.language)

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Choose the half-life by F1@5 on windows of time, history rolling."""
        train, validation = list(data.split("train")), list(data.split("validation"))
        self.start_from(data)
        memory, tuning, half_lives = self.new_memory(), self.config.tuning, self.config.half_lives_days
        add_in_batches(self, memory, [*train, *validation])
        windows = tuning_windows(train, validation, tuning.windows, tuning.posts)
        self.half_life_days, scores = choose(windows, lambda posts: self._all(posts, memory), half_lives[0])
        for half_life, score in scores.items():
            run.log({"event": "validation", "half_life_days": half_life, "f1@5": score})

    def _all(self, posts: Sequence[Post], memory: PostMemory) -> Iterator[tuple[float, Lists]]:
        for half_life in self.config.half_lives_days:
            lists = self._lists(posts, memory, K, [frozenset()] * len(posts), half_life)
            yield half_life, ([memory.id_map[index] for index in hashtags.tolist()] for hashtags, _ in lists)

    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank what was used most before each post, then popular hashtags; see `System.rank`."""
        lists = self._lists(posts, memory, k, excluded or [frozenset()] * len(posts), self.half_life_days)
        return Rankings.from_lists([post.post_id for post in posts], lists, k, memory.id_map.names)

    def _lists(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        k: int,
        excluded: Sequence[AbstractSet[str]],
        half_life_days: float,
    ) -> Iterator[RankedList]:
        backoff = _BACKOFF + np.log(np.maximum(self.prior.shares, 1e-12))
        most = k + max((len(names) for names in excluded), default=0)
        top = self._top(posts, memory, timedelta(days=half_life_days), most)
        for hashtags, counts, names in zip(top.hashtags, top.values, excluded, strict=True):
            unwanted = [index for name in names if (index := memory.id_map.find(name)) is not None]
            # The order is kept: it settles equal counts in the same way however long the list is.
            used = (counts > 0) & ~np.isin(hashtags, unwanted)
            scores = np.round(np.log(counts[used]), SCORE_DECIMALS)
            yield fill_up(hashtags[used], scores, self.prior.order, backoff, k, unwanted)

    def _top(self, posts: Sequence[Post], memory: PostMemory, half_life: timedelta, count: int) -> TopHashtags:
        instants = np.array([post.instant_us for post in posts], np.int64)
        if not self.config.language:
            return memory.questions.trends(instants, half_life, count=count)
        top = TopHashtags(np.full((len(posts), count), -1, np.int64), np.zeros((len(posts), count)))
        languages = [language_of(post.caption) for post in posts]
        for language in dict.fromkeys(languages):
            rows = [row for row, own in enumerate(languages) if own == language]
            found = memory.questions.trends(instants[rows], half_life, language=language, count=count)
            top.hashtags[rows], top.values[rows] = found
        return top
