"""`PrepareSettings`: how a dump is split, selected and checked."""

from __future__ import annotations

from dataclasses import dataclass

from data_loaders.errors import DataError
from data_loaders.images.loading import ImagePolicy, check_policy
from data_loaders.prepare.splits import DEFAULT_FRACTIONS, Fractions, SplitMethod, check_split


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareSettings:
    """The choices made when a dump is prepared.

    Attributes:
        split: see `splits.split_posts`.
        fractions: shares of train, validation and test.
        minimum_frequency: how many train posts must carry a hashtag for it to enter the vocabulary. None chooses by
            the size of the data set (see `vocabulary.default_minimum_frequency`), or 1 with `top_hashtags`.
        top_hashtags: largest size of the vocabulary, which keeps the most frequent train hashtags; None for no limit.
        only_top_hashtags: whether to keep only posts that carry one of these hashtags, and only these hashtags as
            truth: a closed, easier task. Other posts are refused as `no_top_hashtag` after the split, so that no later
            post influences which hashtags are chosen.
        plain_hashtags: whether to drop hashtags that are not plain words (see `plain_hashtags`).
        near_duplicates: whether posts with the same words or the same picture stay in the same split.
        check_images: whether to open every picture once. Without it, damaged pictures surface only in training, and
            repeated pictures are not recognised.
        image_policy: for unusable pictures: `skip` keeps the post without it, `blank` keeps its path, `raise` stops.
        seed: seed of the random split.
    """

    split: SplitMethod = "auto"
    fractions: Fractions = DEFAULT_FRACTIONS
    minimum_frequency: int | None = None
    top_hashtags: int | None = None
    only_top_hashtags: bool = False
    plain_hashtags: bool = False
    near_duplicates: bool = True
    check_images: bool = True
    image_policy: ImagePolicy = "skip"
    seed: int = 0

    def check(self) -> None:
        """Refuse values that no dump could be prepared with.

        Raises:
            DataError: a value is out of range, or two values contradict each other.
        """
        check_split(self.split, self.fractions)
        check_policy(self.image_policy)
        for name, value in (("minimum frequency", self.minimum_frequency), ("top hashtags", self.top_hashtags)):
            if value is not None and value < 1:
                raise DataError(f"{name} {value}; it must be at least 1")
        if self.seed < 0:
            raise DataError(f"seed {self.seed}; it must be at least 0")
        if self.only_top_hashtags and self.top_hashtags is None:
            raise DataError("--only-top-hashtags needs the number of hashtags; add --top-hashtags, for example 50")
