"""`WordHashtags`: P(hashtag | word of the caption), joined over the words."""

from __future__ import annotations

from collections.abc import Mapping

from multimodal.hybrid.sources.base import Flags, Questions, Source
from multimodal.memory.questions.hashtag_values import HashtagValues
from multimodal.memory.questions.word_hashtags import RULES
from multimodal.memory.search.columns import WORDS


class WordHashtags(Source):
    """The largest, the mean and the noisy-or of P(hashtag | word), and Σ log of its lift; see `word_hashtags`.

    Args:
        last: how many posts with each word are looked at.
    """

    name = "words"
    columns = RULES
    ranked = RULES
    reach = 15

    def __init__(self, last: int = 200) -> None:
        self._last = last

    def missing(self, questions: Questions) -> Flags:
        """Return the posts without words."""
        return ~questions.has(WORDS)

    def values(self, questions: Questions, found: Mapping[str, HashtagValues]) -> HashtagValues:
        """Return the chances of all hashtags that stood with a word."""
        asked = questions.memory.questions
        return asked.word_hashtags(questions.words, questions.instants_us, last=self._last, rules=RULES)
