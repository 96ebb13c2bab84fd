"""`popularity`: the hashtags that most train posts carry, the same list for every post."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from data_loaders.posts import Post
from multimodal.config import RunConfig
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.explanation import Explanation, Source
from multimodal.ranking.rankings import Rankings
from multimodal.systems.base import Excluded
from multimodal.systems.prior_system import PriorSystem
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder


class PopularityConfig(RunConfig):
    """Configuration of `popularity`: nothing to choose."""

    system: Literal["popularity"] = Field(default="popularity", description="name of the System")


@register_system("popularity")
class Popularity(PriorSystem):
    """Ranks by the share of train posts that carry a hashtag; reads neither the post nor the memory."""

    config_type = PopularityConfig
    file = "popularity.json"

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Count the train split."""
        self.start_from(data)

    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank by frequency, the same for every post; scores are shares of train posts."""
        post_ids = [post.post_id for post in posts]
        rows = excluded or [frozenset()] * len(posts)
        lists = (self.prior.ranking(k, self.prior.numbers_of(row)) for row in rows)
        return Rankings.from_lists(post_ids, lists, k, self.id_map.names)

    def explain(self, posts: Sequence[Post], rankings: Rankings, memory: PostMemory) -> list[list[Explanation]]:
        """Return `popularity` for every hashtag; its effect is the score."""
        return [[(Source("popularity", score),) for _, score in ranking] for ranking in rankings]
