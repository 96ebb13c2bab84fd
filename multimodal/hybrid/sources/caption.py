"""`CaptionWords`: words of the caption, and up to four joined, as hashtags: used before or never."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse

from multimodal.hybrid.sources.base import Flags, Ints, Questions, Source, Values
from multimodal.hybrid.sources.stands import Stand, stands_of
from multimodal.memory.questions.hashtag_values import HashtagValues, run_starts
from multimodal.memory.search.caption_vectors import SLOTS, slots_of
from multimodal.memory.search.columns import WORDS

_SHORTEST_NEW = 3
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
        lists = [stands_of(caption, id_map.__contains__) for caption in questions.captions]
        rows = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
        stands = [one for several in lists for one in several]
        numbers = np.fromiter((questions.names.number_of(one.text) for one in stands), np.int64, len(stands))
        uses = questions.memory.questions.uses(numbers, questions.instants_us[rows])
        terms = _one_slot_each([one.term for one in stands])
        shares = self._shares(questions, rows, terms)
        kept = np.flatnonzero((uses > 0) | self._proposed(rows, stands, uses, shares, questions))
        order = kept[np.lexsort((numbers[kept], rows[kept]))]
        rows, numbers, uses, shares = rows[order], numbers[order], uses[order], shares[order]
        chances = self._chances(questions, rows, numbers, uses, terms[order])
        values = [np.ones(len(rows)), chances, uses == 0, shares]
        shapes = np.array([_shape_of(stands[place]) for place in order.tolist()], np.float64)
        shapes = shapes.reshape(len(rows), len(self.columns) - len(values))
        table = np.concatenate([np.stack(values, axis=1), shapes], axis=1)
        return HashtagValues(rows, numbers, table, self.columns)

    def _shares(self, questions: Questions, rows: Ints, terms: sparse.csr_matrix) -> Values:
        """Return the share of the earlier posts whose captions have each term."""
        moments = questions.instants_us[rows]
        earlier = questions.memory.questions.posts_before(questions.instants_us)[rows]
        return questions.memory.questions.word_uses(terms, moments) / np.maximum(earlier, 1)

    def _proposed(self, rows: Ints, stands: Sequence[Stand], uses: Ints, shares: Values, questions: Questions) -> Flags:
        """Return which words that never were used are proposed."""
        eligible = np.fromiter(
            (one.may_be_new and len(one.text) >= _SHORTEST_NEW and not one.text.isdigit() for one in stands),
            np.bool_,
            len(stands),
        )
        rare = np.flatnonzero(eligible & (uses == 0) & (shares <= self._rare))
        counts = np.array([stands[place].count for place in rare.tolist()], np.float64)
        # Larger than any information of a share, so that a word that nobody wrote before is the rarest.
        earlier = np.maximum(questions.memory.questions.posts_before(questions.instants_us)[rows[rare]], 1)
        weights = counts * -np.log(np.maximum(shares[rare], 0.5 / earlier))
        order = np.lexsort((np.arange(len(rare)), -weights, rows[rare]))
        starts = run_starts(rows[rare][order])
        places = np.arange(len(rare)) - np.repeat(starts, np.diff(np.append(starts, len(rare))))
        proposed = np.zeros(len(stands), np.bool_)
        proposed[rare[order[places < self._new]]] = True
        return proposed

    def _chances(self, questions: Questions, rows: Ints, numbers: Ints, uses: Ints, terms: sparse.csr_matrix) -> Values:
        used, chances = np.flatnonzero(uses > 0), np.zeros(len(rows))
        moments = questions.instants_us[rows[used]]
        found = questions.memory.questions.word_hashtags(terms[used], moments, last=self._last)
        chances[used] = found.at(numbers[used, None])[:, 0, 0]
        return chances


def _one_slot_each(terms: Sequence[str]) -> sparse.csr_matrix:
    unique = sorted(set(terms))
    slot_of = dict(zip(unique, slots_of(unique).tolist(), strict=True))
    slots = np.fromiter((slot_of[term] for term in terms), np.int64, len(terms))
    return sparse.csr_matrix((np.ones(len(terms)), slots, np.arange(len(terms) + 1)), shape=(len(terms), SLOTS))


def _shape_of(one: Stand) -> list[float]:
    digits = any(letter.isdigit() for letter in one.text)
    return [one.variant, one.words, one.place, one.count, len(one.text), one.beginning, one.title, one.capital, digits]
