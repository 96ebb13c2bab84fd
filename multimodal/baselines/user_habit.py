"""`user_habit`: the user's earlier hashtags, ranked by how often and how recently they were used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from data_loaders.posts import Post
from multimodal.baselines.activation import Floats, Ints, RememberedUses, remembered_uses
from multimodal.baselines.habit_feedback import FeedbackWeights
from multimodal.baselines.habit_tuning import choose_exponents
from multimodal.config import Choice, Range, RunConfig, SearchSpace, Section
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.user_notes import Feedback
from multimodal.ranking.explanation import Explanation, Source, own_posts_with
from multimodal.ranking.fill import fill_up
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.rules.post_rules import numbers_of
from multimodal.ranking.top_k import order_candidates
from multimodal.systems.base import Excluded
from multimodal.systems.prior_system import PriorSystem
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder

# Popular hashtags score ln(share) below this, the user's hashtags above: 100,000 posts over a million years with
# exponents of 3 come to -60.
_BACKOFF = -100.0
# The score of what a user has rejected and never used, where nothing else is left; below all popular hashtags.
_REJECTED = -200.0
# Posts of histories processed together; bounds the memory of a call to about 100 MB.
_POSTS_AT_ONCE = 2**20
_NONE: Ints = np.empty(0, np.int64)


class RecencyConfig(Section):
    """How the activation of a hashtag decays, see `activation`."""

    history_posts: int = Field(default=2_000, ge=1, le=100_000, description="most recent posts read of a user")
    epsilon_days: float = Field(default=0.04, gt=0, le=365, description="added to every age, in days")
    decays: tuple[float, ...] = Field(
        default=(0.5, 0.75, 1.0, 1.5), min_length=1, description="exponents of age to choose from, each 0 to 3"
    )
    rank_decays: tuple[float, ...] = Field(
        default=(0.0, 0.5, 1.0), min_length=1, description="exponents of post rank to choose from, each 0 to 3"
    )
    accepted: float = Field(default=1.0, ge=0, le=100, description="weight of accepting a hashtag against a use")
    rejected: float = Field(default=0.1, ge=0, le=100, description="what the activation loses by each rejection")
    tuning_posts: int = Field(default=20_000, ge=1, description="validation posts used to choose, evenly spaced")


class UserHabitConfig(RunConfig):
    """Configuration of `user_habit`."""

    search_space: ClassVar[SearchSpace] = {
        "recency.epsilon_days": Range(0.001, 1.0, log=True),
        "recency.history_posts": Choice((100, 500, 2_000)),
    }
    system: Literal["user_habit"] = Field(default="user_habit", description="name of the System")
    recency: RecencyConfig = RecencyConfig()


@register_system("user_habit")
class UserHabit(PriorSystem):
    """Ranks the user's earlier hashtags by base-level activation, then the rest of the vocabulary by popularity.

    Earlier hashtags are recommended even if they are not in the train vocabulary. A user without a history gets
    `popularity`. The score is the activation B, or ln(share of train posts) - 100 for the popular hashtags.
    """

    config_type = UserHabitConfig
    file, chosen = "user_habit.json", ("decay", "rank_decay")
    config: UserHabitConfig
    decay: float
    rank_decay: float

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Count the train split, then choose the two exponents by F1@5 on the validation split, history rolling."""
        train, validation = data.split("train"), data.split("validation")
        self.start_from(data)
        memory = self.new_memory()
        self.add_posts(memory, train)
        self.add_posts(memory, validation)
        recency = self.config.recency
        step = max(-(-len(validation) // recency.tuning_posts), 1)
        posts = [post for post in list(validation)[::step] if post.hashtags]
        chosen, scores = choose_exponents(
            self._uses(posts, memory),
            [[memory.id_map.add([tag])[0] for tag in post.hashtags] for post in posts],
            [(decay, rank_decay) for decay in recency.decays for rank_decay in recency.rank_decays],
            lambda hashtags, activation, k: self._list(hashtags, activation, memory.id_map, k, _NONE),
        )
        self.decay, self.rank_decay = chosen
        for (decay, rank_decay), score in scores.items():
            run.log({"event": "validation", "decay": decay, "rank_decay": rank_decay, "f1@5": score})

    def start(self, id_map: HashtagIdMap, train_posts: int) -> None:
        """Set the vocabulary and the prior, and the scores of popular hashtags below those of the user's own."""
        super().start(id_map, train_posts)
        self._backoff = _BACKOFF + np.log(np.maximum(self.prior.shares, 1e-12))

    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank the hashtags of each user's posts in `memory` strictly before the post, then popular ones."""
        told = [memory.notes.of(post.user_id).feedback for post in posts]
        id_map = _with_hashtags_of(told, memory.id_map)
        rows = iter(excluded or [frozenset()] * len(posts))
        lists: list[tuple[Ints, Floats]] = []
        for uses in self._uses(posts, memory):
            activation = uses.activation(self.decay, self.rank_decay)
            for row in range(len(uses.starts) - 1):
                barred = next(rows)
                excluded_ids = numbers_of(barred, memory.id_map)
                candidates = uses.of(row)
                own = uses.hashtags[candidates], activation[candidates]
                post, feedback = posts[len(lists)], told[len(lists)]
                if feedback:
                    unused = [number for number in range(len(memory.id_map), len(id_map)) if id_map[number] in barred]
                    excluded_ids = np.concatenate([excluded_ids, np.array(unused, np.int64)])
                    lists.append(self._told(post, feedback, memory, id_map, own, k, excluded_ids))
                else:
                    lists.append(self._list(*own, id_map, k, excluded_ids))
        return Rankings.from_lists([post.post_id for post in posts], lists, k, id_map.names)

    def explain(self, posts: Sequence[Post], rankings: Rankings, memory: PostMemory) -> list[list[Explanation]]:
        """Return `own`, with the posts that carry the hashtag, `feedback` or `popularity`; the effect is the score."""
        limit = self.config.recency.history_posts
        explained: list[list[Explanation]] = []
        for post, ranking in zip(posts, rankings, strict=True):
            behind = own_posts_with(memory, post, [hashtag for hashtag, _ in ranking], limit)
            sources = [
                Source("own" if ids else "feedback" if score > _BACKOFF else "popularity", score, ids)
                for ids, (_, score) in zip(behind, ranking, strict=True)
            ]
            explained.append([(source,) for source in sources])
        return explained

    def _uses(self, posts: Sequence[Post], memory: PostMemory) -> Iterator[RememberedUses]:
        recency = self.config.recency
        size = max(_POSTS_AT_ONCE // recency.history_posts, 1)
        for start in range(0, len(posts), size):
            chunk = posts[start : start + size]
            users = [post.user_id for post in chunk]
            instants = np.array([post.instant_us for post in chunk], np.int64)
            yield remembered_uses(memory, users, instants, recency.history_posts, recency.epsilon_days)

    def _told(
        self,
        post: Post,
        feedback: Sequence[Feedback],
        memory: PostMemory,
        id_map: HashtagIdMap,
        own: tuple[Ints, Floats],
        k: int,
        excluded_ids: Ints,
    ) -> tuple[Ints, Floats]:
        """Return the list of a user who has given feedback; what was rejected and never used comes last."""
        recency, now_us = self.config.recency, int(memory.resolve(np.array([post.instant_us]))[0])
        positions = memory.history([post.user_id], np.array([now_us]), recency.history_posts)[0]
        weights = FeedbackWeights(recency.accepted, recency.rejected, self.decay, self.rank_decay, recency.epsilon_days)
        hashtags, scores, rejected = weights.applied(*own, feedback, positions[positions >= 0], now_us, memory, id_map)
        indices, values = self._list(hashtags, scores, id_map, k, np.union1d(excluded_ids, rejected))
        last = np.setdiff1d(rejected, excluded_ids)[: k - len(indices)]
        return np.concatenate([indices, last]), np.concatenate([values, np.full(len(last), _REJECTED)])

    def _list(
        self, hashtags: Ints, activation: Floats, id_map: HashtagIdMap, k: int, excluded_ids: Ints
    ) -> tuple[Ints, Floats]:
        if len(excluded_ids):
            allowed = ~np.isin(hashtags, excluded_ids)
            hashtags, activation = hashtags[allowed], activation[allowed]
        history, scores = order_candidates(hashtags, activation, id_map, k)
        return fill_up(history, scores, self.prior.order, self._backoff, k, excluded_ids)


def _with_hashtags_of(told: Sequence[Sequence[Feedback]], id_map: HashtagIdMap) -> HashtagIdMap:
    """Return a map with the hashtags of feedback too: that others use them later then changes no earlier answer."""
    if not any(told):
        return id_map
    fork = id_map.fork()
    for one in (one for feedback in told for one in feedback):
        fork.add((*one.accepted, *one.rejected))
    return fork
