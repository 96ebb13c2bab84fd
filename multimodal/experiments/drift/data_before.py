"""`DataBefore`: a prepared folder as it would have been at an instant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepare.vocabulary import Vocabulary
from data_loaders.prepared import PreparedData

if TYPE_CHECKING:
    from multimodal.experiments.drift.periods import Period


class DataBefore(PreparedData):
    """The posts before the start of a period, the last of them for validation, in the proportion of the folder.

    Args:
        base: the folder.
        period: what a System that is fitted to it must not know.

    Raises:
        DataError: no hashtag before the period is frequent enough for a vocabulary.
    """

    def __init__(self, base: PreparedData, period: Period) -> None:
        self._base, self._period = base, period
        posts = [post for name in SPLITS for post in base.split(name) if post.instant_us < period.start_us]
        posts.sort(key=lambda post: post.instant_us)
        known, judged = len(base.split("train")), len(base.split("validation"))
        cut = len(posts) - round(len(posts) * judged / max(known + judged, 1))
        self._parts: dict[str, list[Post]] = {"train": posts[:cut], "validation": posts[cut:], "test": []}
        frequent = base.vocabulary.minimum_frequency
        vocabulary = Vocabulary.from_posts([post.hashtags for post in posts[:cut]], frequent)
        super().__init__(Path(base.folder), vocabulary, {})
        # In place of the hash of the folder's files, which hold later posts too.
        self.__dict__["fingerprint"] = f"{base.fingerprint}-before-{period.name}"

    def split(self, name: str) -> Any:
        """Return the posts of `train`, `validation` or `test`, of which the last has none."""
        return self._parts[name]

    def with_inline_words(self) -> DataBefore:
        """Return the same with captions that leak; see `PreparedData.with_inline_words`."""
        return DataBefore(self._base.with_inline_words(), self._period)
