"""`CaptionWords`: words of the caption, up to four joined, and parts of unspaced ones, as hashtags: used or new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from data_loaders.text.phrases import HAS_UNSPACED
from multimodal.hybrid.sources.base import Flags, Ints, Questions, Source, Values
from multimodal.hybrid.sources.phrases import CaptionPhrase, phrases_of
from multimodal.memory.questions.hashtag_values import HashtagValues, places_in_runs, run_sizes, run_starts
from multimodal.memory.search.caption_vectors import slots_of
from multimodal.memory.search.columns import WORDS

_SHORTEST_NEW, _SHORTEST_UNSPACED = 3, 2
_MOST = 2_000


class CaptionWords(Source):
    """Words of the caption that were used as hashtags, and rare ones that never were.

    `chance` is P(hashtag | its words stand in the caption) over the last earlier posts with these words; of three words
    and more, of their first pair. Words that never were used have 0, whether they will ever be used or not.

    Args:
        new: how many words that never were used are proposed for a post: frequent here, rare elsewhere.
        last: over how many posts with the words the chance is counted.
        rare: words that a larger share of the earlier posts has are not proposed as new.
    """

    name = "caption"
    columns = (
        *("stands", "chance", "new", "share", "variant", "words", "place", "count", "letters", "beginning"),
        *("title", "capital", "digits"),
    )
    ranked = ("chance",)
    reach = _MOST

    def __init__(self, new: int = 12, last: int = 200, rare: float = 0.02) -> None:
        self._new, self._last, self._rare = new, last, rare

    def missing(self, questions: Questions) -> Flags:
        """Return the posts without words."""
        return ~questions.has(WORDS)

    def values(self, questions: Questions, found: Mapping[str, HashtagValues]) -> HashtagValues:
        """Return where each hashtag stands in the caption, and how often that made it one."""
        id_map = questions.memory.id_map
        lists = [phrases_of(caption, id_map.__contains__) for caption in questions.captions]
        rows = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
        phrases = [one for several in lists for one in several]
        numbers = np.fromiter((questions.names.number_of(one.text) for one in phrases), np.int64, len(phrases))
        asked, moments = questions.memory.questions, questions.instants_us[rows]
        uses, words = asked.uses(numbers, moments), slots_of([one.term for one in phrases])
        shares = asked.word_uses(words, moments) / np.maximum(questions.earlier[rows], 1)
        kept = np.flatnonzero((uses > 0) | self._proposed(rows, phrases, uses, shares, questions))
        order = kept[np.lexsort((numbers[kept], rows[kept]))]
        rows, numbers, uses = rows[order], numbers[order], uses[order]
        chances, used = np.zeros(len(rows)), np.flatnonzero(uses)
        given = words[order[used]], numbers[used], moments[order[used]]
        chances[used] = asked.word_chances(*given, last=self._last)
        values = [np.ones(len(rows)), chances, uses == 0, shares[order]]
        shapes = np.array([_shape_of(phrases[place]) for place in order.tolist()], np.float64)
        shapes = shapes.reshape(len(rows), len(self.columns) - len(values))
        table = np.concatenate([np.stack(values, axis=1), shapes], axis=1)
        return HashtagValues(rows, numbers, table, self.columns)

    def _proposed(
        self, rows: Ints, phrases: Sequence[CaptionPhrase], uses: Ints, shares: Values, questions: Questions
    ) -> Flags:
        """Return which words that never were used are proposed."""
        eligible = np.fromiter(
            (one.may_be_new and _is_long_enough(one.text) and not one.text.isdigit() for one in phrases),
            np.bool_,
            len(phrases),
        )
        rare = np.flatnonzero(eligible & (uses == 0) & (shares <= self._rare))
        counts = np.array([phrases[place].count for place in rare.tolist()], np.float64)
        # Larger than any information of a share, so that a word that nobody wrote before is the rarest.
        earlier = np.maximum(questions.earlier[rows[rare]], 1)
        weights = counts * -np.log(np.maximum(shares[rare], 0.5 / earlier))
        order = np.lexsort((np.arange(len(rare)), -weights, rows[rare]))
        starts = run_starts(rows[rare][order])
        places = places_in_runs(starts, run_sizes(starts, len(rare)))
        proposed = np.zeros(len(phrases), np.bool_)
        proposed[rare[order[places < self._new]]] = True
        return proposed


def _shape_of(one: CaptionPhrase) -> list[float]:
    digits = any(letter.isdigit() for letter in one.text)
    return [one.variant, one.words, one.place, one.count, len(one.text), one.beginning, one.title, one.capital, digits]


def _is_long_enough(text: str) -> bool:
    return len(text) >= (_SHORTEST_UNSPACED if HAS_UNSPACED.search(text) else _SHORTEST_NEW)
