"""`CaptionSystem`: what all text-only models share, from captions in to ranked hashtags out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from data_loaders.errors import ConfigError, DataError
from data_loaders.posts import Post
from data_loaders.text.captions import check_profile
from multimodal.captions.labelled import LabelledCaptions
from multimodal.config import RunConfig
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.popularity_prior import PopularityPrior
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.top_k import top_k
from multimodal.storage.run_folder import read_json, write_json
from multimodal.systems.base import System

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder

_FILE = "captions.json"
_CAPTIONS_AT_ONCE = 2_048
CaptionSystemType = TypeVar("CaptionSystemType", bound="CaptionSystem")


class CaptionSystemConfig(RunConfig):
    """What every text-only model's configuration holds."""

    caption_profile: str = Field(default="tweet", description="how captions are cleaned")

    @field_validator("caption_profile")
    @classmethod
    def _known_profile(cls, name: str) -> str:
        try:
            return check_profile(name)
        except ConfigError as error:
            raise ValueError(str(error)) from None


class CaptionSystem(System):
    """Scores the train vocabulary from a caption alone; user, picture and memory are not looked at.

    A caption the model has nothing to say about (none, empty once cleaned, no word it knows) gets the prior: the
    shares of train posts that carry each hashtag. A subclass gives `learn`, `scores`, `save_learned`,
    `load_learned`, and `judges` where it can tell more than an empty caption.
    """

    config: CaptionSystemConfig
    prior: PopularityPrior

    @abstractmethod
    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Learn from the train split; choices are made on the validation split.

        Args:
            train: posts with a caption and a hashtag of the vocabulary; at least one.
            validation: posts with a hashtag; at least one.
            run: where metrics and checkpoints go.
        """

    @abstractmethod
    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return a score for each hashtag of the vocabulary, (B, V), larger is better, probabilities where it has any.

        Args:
            captions: B captions that `judges` says yes to, at least one; a caption's scores depend on it alone.
        """

    @abstractmethod
    def save_learned(self, folder: Path) -> None:
        """Write what `learn` found to an existing folder, as safetensors and JSON."""

    @abstractmethod
    def load_learned(self, folder: Path) -> None:
        """Read what `save_learned` wrote; `id_map` and `prior` are set by now.

        Raises:
            RunError: a file is missing, damaged, or does not fit the configuration.
        """

    def judges(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which of B cleaned captions the model has something to say about, (B,)."""
        return np.array([bool(caption) for caption in captions], np.bool_)

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Learn from captions; see `System.fit`.

        Raises:
            DataError: no train post has both a caption and a hashtag of the vocabulary, or no validation post has a
                hashtag.
        """
        train, validation = list(data.split("train")), list(data.split("validation"))
        self._start(HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies), len(train))
        learnable, judged = self._labelled(train).learnable(), self._labelled(validation).judged()
        if not len(learnable):
            raise DataError(
                f"system {self.name} learns from captions alone, and no train post has both a caption and a hashtag "
                "of the vocabulary; use another system, or lower --minimum-frequency in prepare.py"
            )
        if not len(judged):
            raise DataError("no validation post has a hashtag, so no model can be chosen; give it a larger fraction")
        self.learn(learnable, judged, run)

    def _labelled(self, posts: Sequence[Post]) -> LabelledCaptions:
        return LabelledCaptions.of(posts, self.id_map, self.config.caption_profile)

    def _start(self, id_map: HashtagIdMap, train_posts: int) -> None:
        self.id_map = id_map
        self.prior = PopularityPrior(id_map, train_posts)
        self._prior_scores = np.zeros(id_map.vocabulary_size)
        self._prior_scores[self.prior.order] = self.prior.shares

    def rank(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        k: int,
        excluded: Sequence[frozenset[str]] | None = None,
    ) -> Rankings:
        """Rank the vocabulary for each post by its caption; see `System.rank`."""
        captions = cleaned_captions(posts, self.config.caption_profile)
        indices = np.full((len(posts), k), -1, np.int64)
        values = np.full((len(posts), k), np.nan)
        for start in range(0, len(posts), _CAPTIONS_AT_ONCE):
            part = slice(start, start + _CAPTIONS_AT_ONCE)
            scores = self.scores_or_prior(captions[part])
            for row, names in enumerate(excluded[part] if excluded is not None else ()):
                scores[row, self.prior.numbers_of(names)] = -np.inf
            indices[part], values[part] = top_k(scores, self.id_map, k)
        return Rankings([post.post_id for post in posts], indices, values, self.id_map.names)

    def scores_or_prior(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return `scores` of cleaned captions, and the prior for those the model has nothing to say about, (B, V)."""
        result = np.tile(self._prior_scores, (len(captions), 1))
        judged = np.flatnonzero(self.judges(captions)).tolist()
        if judged:
            result[judged] = self.scores([captions[row] for row in judged])
        return result

    def save(self, folder: Path) -> None:
        """Write `captions.json` and what was learned."""
        write_json(folder / _FILE, {"train_posts": self.prior.train_posts})
        self.save_learned(folder)

    @classmethod
    def load(cls: type[CaptionSystemType], folder: Path, config: RunConfig, id_map: HashtagIdMap) -> CaptionSystemType:
        """Read what `save` wrote."""
        system = cls(config)
        system._start(id_map, int(read_json(folder / _FILE, "the number of train posts")["train_posts"]))
        system.load_learned(folder)
        return system
