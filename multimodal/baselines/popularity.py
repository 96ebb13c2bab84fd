"""`popularity`: the hashtags that most train posts carry, the same list for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from data_loaders.posts import Post
from multimodal.config import RunConfig
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.popularity_prior import PopularityPrior
from multimodal.ranking.rankings import Rankings
from multimodal.storage.run_folder import read_json, write_json
from multimodal.systems.base import System
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder

_FILE = "popularity.json"


class PopularityConfig(RunConfig):
    """There is nothing to choose."""

    system: Literal["popularity"] = Field(default="popularity", description="name of the System")


@register_system("popularity")
class Popularity(System):
    """Ranks by the share of train posts that carry a hashtag; neither the post nor the memory is looked at."""

    config_type = PopularityConfig

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Count the train split."""
        self._use(HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies), len(data.split("train")))

    def _use(self, id_map: HashtagIdMap, train_posts: int) -> None:
        self.id_map = id_map
        self.prior = PopularityPrior(id_map, train_posts)

    def rank(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        k: int,
        excluded: Sequence[frozenset[str]] | None = None,
    ) -> Rankings:
        """Give every post the most frequent hashtags that it does not exclude; scores are shares of train posts."""
        post_ids = [post.post_id for post in posts]
        rows = excluded or [frozenset()] * len(posts)
        lists = (self.prior.ranking(k, self.prior.numbers_of(row)) for row in rows)
        return Rankings.from_lists(post_ids, lists, k, self.id_map.names)

    def save(self, folder: Path) -> None:
        """Write `popularity.json`; the frequencies are in the vocabulary."""
        write_json(folder / _FILE, {"train_posts": self.prior.train_posts})

    @classmethod
    def load(cls, folder: Path, config: RunConfig, id_map: HashtagIdMap) -> Popularity:
        """Read what `save` wrote."""
        system = cls(config)
        system._use(id_map, int(read_json(folder / _FILE, "the popularity of hashtags")["train_posts"]))
        return system
