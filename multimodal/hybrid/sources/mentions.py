"""`Mentions`: P(hashtag | @name that the caption addresses), joined over the names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from data_loaders.posts import Post
from data_loaders.text.mentions import find_mentions
from multimodal.hybrid.sources.base import Flags, Questions, Source
from multimodal.memory.questions.hashtag_values import HashtagValues
from multimodal.memory.questions.word_hashtags import RULES

EVERYBODY, OWN = "mentions", "own_mentions"
# Below this share of posts with a name, what names can add is less than what seeds differ by (BENCHMARKS.md).
_LEAST_SHARE = 0.05


class Mentions(Source):
    """The largest, the mean and the noisy-or of P(hashtag | name), and Σ log of its lift; see `mention_hashtags`.

    Args:
        own: over the user's own earlier posts with each name; otherwise over everybody's.
        last: how many posts with each name are looked at.
    """

    columns = RULES
    ranked = RULES
    reach = 15

    def __init__(self, own: bool, last: int = 200) -> None:
        self.name, self._own, self._last = OWN if own else EVERYBODY, own, last

    def missing(self, questions: Questions) -> Flags:
        """Return the posts that address nobody; where own posts count, those of users without earlier ones too."""
        silent = np.array([not names for names in questions.mentions], np.bool_)
        return silent | (questions.history(1)[:, 0] < 0) if self._own else silent

    def values(self, questions: Questions, found: Mapping[str, HashtagValues]) -> HashtagValues:
        """Return the chances of all hashtags that stood with a name."""
        users = [post.user_id for post in questions.posts] if self._own else None
        asked, moments = questions.memory.questions, questions.instants_us
        return asked.mention_hashtags(questions.mentions, moments, user_ids=users, last=self._last, rules=RULES)


def rare_mentions(posts: Sequence[Post]) -> tuple[str, ...]:
    """Return the names of both sources if too few of the train posts address anybody for them to help."""
    addressed = sum(bool(find_mentions(post.caption)) for post in posts)
    return (EVERYBODY, OWN) if addressed < _LEAST_SHARE * len(posts) else ()
