"""`TableBuilder`: asks every source, and puts what they say into one table of candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from multimodal.hybrid.candidates import CandidateTable, Feature
from multimodal.hybrid.relative_values import relative_to_best
from multimodal.hybrid.sources.base import Candidates, Description, Flags, Ints, Questions, Source, Values
from multimodal.memory.questions.hashtag_values import HashtagValues, PairGroups, leading, pair_keys


@dataclass(frozen=True)
class TableBuilder:
    """The sources and descriptions of one hybrid, in order: later ones may read what earlier ones found.

    Attributes:
        sources: propose hashtags.
        descriptions: say more of what was proposed.
    """

    sources: Sequence[Source]
    descriptions: Sequence[Description]

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The columns of a table."""
        named: list[Feature] = []
        for part in self._parts:
            named += [Feature(f"{part.name}.{column}", part.name) for column in part.columns]
            for column in part.ranked:
                named += [Feature(f"{part.name}.{column}.{what}", part.name) for what in ("rank", "relative")]
        return tuple(named)

    @cached_property
    def _parts(self) -> tuple[Source | Description, ...]:
        return *self.sources, *self.descriptions

    @cached_property
    def _layout(self) -> _Layout:
        return _Layout.of(self._parts)

    def table(self, questions: Questions) -> CandidateTable:
        """Return the candidates of B posts and all that is said of them."""
        found: dict[str, HashtagValues] = {}
        for source in self.sources:
            found[source.name] = source.values(questions, found)
        candidates, texts, numbers = self._candidates(questions, found)
        wanted = pair_keys(candidates.rows, candidates.hashtags)
        values = [_values_of(found[source.name], wanted) for source in self.sources]
        values += [description.describe(questions, candidates, found) for description in self.descriptions]
        missing = [source.missing(questions) for source in self.sources]
        return CandidateTable(
            len(questions),
            candidates.rows,
            numbers,
            texts,
            self._columns(values, candidates.rows, missing),
            self.features,
            tuple(source.name for source in self.sources),
            candidates.proposed,
        )

    def _columns(self, values: Sequence[Values], rows: Ints, missing: Sequence[Flags]) -> NDArray[np.float32]:
        """Return the columns of a table, (n, F), NaN for the posts that a source misses.

        Args:
            values: what each source and description says of the candidates.
            rows: (n,) the post of each.
            missing: which posts each source misses, (B,).
        """
        layout, own = self._layout, np.concatenate(values, axis=1)
        table = np.empty((len(rows), len(self.features)), np.float32)
        table[:, layout.own] = own
        table[:, layout.ranks], table[:, layout.shares] = relative_to_best(rows, own[:, layout.ranked])
        for columns, missed in zip(layout.parts, missing, strict=False):
            if missed.any():
                table[missed[rows], columns] = np.nan
        return table

    def _candidates(
        self, questions: Questions, found: Mapping[str, HashtagValues]
    ) -> tuple[Candidates, list[str], Ints]:
        """Return the candidates in the order of their texts, the texts, and the text of each candidate."""
        pairs, proposers = self._proposals(questions, found)
        used, places = np.unique(pairs.hashtags, return_inverse=True)
        texts = questions.names.texts_of(used.tolist())
        rank = np.empty(len(texts), np.int64)
        rank[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
        order = np.lexsort((rank[places], pairs.rows))
        proposed = np.zeros((len(places), len(self.sources)), np.bool_)
        proposed[pairs.of, proposers] = True
        return Candidates(pairs.rows[order], pairs.hashtags[order], proposed[order]), texts, places[order]

    def _proposals(self, questions: Questions, found: Mapping[str, HashtagValues]) -> tuple[PairGroups, Ints]:
        """Return the pairs that sources propose, and the number of the source that proposes each entry."""
        parts, count = [found[source.name] for source in self.sources], len(questions)
        values = np.concatenate([part.values[:, 0] for part in parts])
        rows = np.concatenate([part.rows + number * count for number, part in enumerate(parts)])
        positive = np.flatnonzero(values > 0)
        rows, hashtags = rows[positive], np.concatenate([part.hashtags for part in parts])[positive]
        reach = np.array([source.reach for source in self.sources]).repeat(count)
        best = leading(rows, hashtags, values[positive], reach, questions.names.__getitem__)
        proposers, rows = np.divmod(rows[best], count)
        return PairGroups.by(rows, hashtags[best]), proposers


def _values_of(found: HashtagValues, wanted: Ints) -> Values:
    """Return what was found of each wanted pair, (n, C), 0 for nothing."""
    known = pair_keys(found.rows, found.hashtags)
    if not len(known):
        return np.zeros((len(wanted), found.values.shape[1]))
    places = np.minimum(known.searchsorted(wanted), len(known) - 1)
    values = found.values[places]
    values[known[places] != wanted] = 0
    return values


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where in a table the columns of its parts are.

    Attributes:
        own: (C,) place of each value that a part gives.
        ranked: (R,) which of these are also given beside those of the other candidates.
        ranks: (R,) places of their ranks.
        parts: the columns of each part.
    """

    own: Ints
    ranked: Ints
    ranks: Ints
    parts: tuple[slice, ...]

    @classmethod
    def of(cls, parts: Sequence[Source | Description]) -> _Layout:
        """Return the layout of parts, each with its values first, then rank and share of each that is ranked."""
        own, ranked, ranks, slices = list[int](), list[int](), list[int](), list[slice]()
        first = 0
        for part in parts:
            ranked += [len(own) + part.columns.index(name) for name in part.ranked]
            own += range(first, first + len(part.columns))
            stop = first + len(part.columns) + 2 * len(part.ranked)
            ranks += range(first + len(part.columns), stop, 2)
            slices.append(slice(first, stop))
            first = stop
        places = [np.array(one, np.int64) for one in (own, ranked, ranks)]
        return cls(places[0], places[1], places[2], tuple(slices))

    @property
    def shares(self) -> Ints:
        """(R,) Places of their shares of the largest, each behind the rank."""
        return self.ranks + 1
