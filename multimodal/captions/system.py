"""`VocabularySystem` and `CaptionSystem`: the bases of models that score every hashtag of the vocabulary."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from data_loaders.errors import ConfigError, DataError
from data_loaders.posts import Post
from data_loaders.text.captions import check_profile
from multimodal.captions.labelled import LabelledCaptions
from multimodal.config import RunConfig
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.score_blocks import posts_at_once
from multimodal.ranking.top_k import RankedList, top_k
from multimodal.systems.base import Excluded
from multimodal.systems.prior_system import PriorSystem

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder


class CaptionSystemConfig(RunConfig):
    """Settings of every text-only model."""

    caption_profile: str = Field(default="tweet", description="how captions are cleaned")

    @field_validator("caption_profile")
    @classmethod
    def _known_profile(cls, name: str) -> str:
        try:
            return check_profile(name)
        except ConfigError as error:
            raise ValueError(str(error)) from None


class VocabularySystem(PriorSystem):
    """Ranks the train vocabulary by a score for each hashtag; a subclass implements `post_scores`.

    Attributes:
        ranking_batch: posts scored together, fewer if the vocabulary is large.
    """

    config: CaptionSystemConfig
    file = "captions.json"
    ranking_batch: ClassVar[int] = 2_048

    @abstractmethod
    def post_scores(self, posts: Sequence[Post], memory: PostMemory) -> NDArray[np.float64]:
        """Return a score for each hashtag of the vocabulary, (B, V), larger is better."""

    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank the vocabulary by `post_scores`; see `System.rank`."""
        lists: list[RankedList] = []
        step = posts_at_once(self.id_map.vocabulary_size, self.ranking_batch)
        for start in range(0, len(posts), step):
            part = slice(start, start + step)
            scores = self.post_scores(posts[part], memory)
            for row, names in enumerate(excluded[part] if excluded is not None else ()):
                scores[row, self.prior.numbers_of(names)] = -np.inf
            lists.extend(top_k(scores, self.id_map, k))
        return Rankings.from_lists([post.post_id for post in posts], lists, k, self.id_map.names)


class CaptionSystem(VocabularySystem):
    """Scores the train vocabulary from the caption alone, without user, picture or memory.

    A caption that the model cannot score (missing, empty once cleaned, no known word) gets the prior: the shares of
    train posts that carry each hashtag. A subclass implements `learn` and `scores`, `save_learned` and `load_learned`
    if it has state, and `can_score` if it needs more than a caption that is not empty.
    """

    @abstractmethod
    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Learn from the train split and select the model on the validation split.

        Args:
            train: posts with a caption and a hashtag of the vocabulary; at least one.
            validation: posts with a hashtag; at least one.
            run: where metrics and checkpoints go.
        """

    @abstractmethod
    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return a score for each hashtag of the vocabulary, (B, V): larger is better, a probability where possible.

        Args:
            captions: B captions for which `can_score` is true, at least one; a caption's scores depend on it alone.
        """

    def can_score(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which of B cleaned captions the model can score, (B,)."""
        return np.array([bool(caption) for caption in captions], np.bool_)

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Learn from captions; see `System.fit`.

        Raises:
            DataError: no train post has both a caption and a hashtag of the vocabulary, or no validation post has a
                hashtag.
        """
        self.start_from(data)
        train = self._labelled(list(data.split("train"))).learnable()
        validation = self._labelled(list(data.split("validation"))).tagged()
        if not len(train):
            raise DataError(
                f"system {self.name} learns from captions alone, and no train post has both a caption and a hashtag "
                "of the vocabulary; use another system, or prepare the data with a lower --minimum-frequency"
            )
        require_validation_posts(len(validation))
        self.learn(train, validation, run)

    def _labelled(self, posts: Sequence[Post]) -> LabelledCaptions:
        return LabelledCaptions.of(posts, self.id_map, self.config.caption_profile)

    def post_scores(self, posts: Sequence[Post], memory: PostMemory) -> NDArray[np.float64]:
        """Return `scores_or_prior` of the posts' captions, (B, V)."""
        return self.scores_or_prior(cleaned_captions(posts, self.config.caption_profile))

    def scores_or_prior(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return `scores` of cleaned captions, and the prior for those that cannot be scored, (B, V)."""
        result = np.tile(self.prior.scores, (len(captions), 1))
        scored = np.flatnonzero(self.can_score(captions)).tolist()
        if scored:
            result[scored] = self.scores([captions[row] for row in scored])
        return result


def require_validation_posts(count: int) -> None:
    """Check that there are validation posts with a hashtag.

    Raises:
        DataError: `count` is 0.
    """
    if not count:
        raise DataError("no validation post has a hashtag, so no model can be chosen; give it a larger fraction")
