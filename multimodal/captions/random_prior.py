"""`random_prior`: the train frequencies for every post, the baseline of the #TagFinder slides."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Configuration of `random_prior`: no setting changes its rankings."""

    system: Literal["random_prior"] = Field(default="random_prior", description="name of the System")


@register_system("random_prior")
class RandomPrior(CaptionSystem):
    """Each hashtag is an independent Bernoulli variable: P(h) = train posts with h / train posts with hashtags.

    The slides call it random; it gives every post the same list. Its scores differ from those of `popularity`: they
    are shares of the posts that have hashtags, as all posts of the slides had.
    """

    config_type = RandomPriorConfig

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Count the train split, including posts without a caption."""
        tagged = sum(bool(post.hashtags) for post in data.split("train"))
        self.start(HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies), tagged)

    def can_score(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return False for every caption, so that all get the prior."""
        return np.zeros(len(captions), np.bool_)

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Do nothing: captions are not used."""

    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return the frequencies, (B, V)."""
        return np.tile(self.prior.scores, (len(captions), 1))
