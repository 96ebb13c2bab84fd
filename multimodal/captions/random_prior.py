"""`random_prior`: the training frequencies for every post, the baseline of the #TagFinder slides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.system import CaptionSystem, CaptionSystemConfig
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder


class RandomPriorConfig(CaptionSystemConfig):
    """Configuration of `random_prior`: nothing in it changes an answer."""

    system: Literal["random_prior"] = Field(default="random_prior", description="name of the System")


@register_system("random_prior")
class RandomPrior(CaptionSystem):
    """Each hashtag is an independent Bernoulli variable: P(h) = train posts with h / train posts with hashtags.

    The slides call it random; it gives every post the same list. It differs from `popularity` in its scores, which
    are shares of the posts that have hashtags, as all that the slides learned from had.
    """

    config_type = RandomPriorConfig

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Count the train split; a post needs no caption for that."""
        tagged = sum(bool(post.hashtags) for post in data.split("train"))
        self._start(HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies), tagged)

    def judges(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return False for every caption: the prior is the answer."""
        return np.zeros(len(captions), np.bool_)

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Learn nothing from captions."""

    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return the frequencies, (B, V)."""
        return np.tile(self._prior_scores, (len(captions), 1))

    def save_learned(self, folder: Path) -> None:
        """Write nothing: the frequencies are in the vocabulary, the number of posts in `captions.json`."""

    def load_learned(self, folder: Path) -> None:
        """Read nothing."""
