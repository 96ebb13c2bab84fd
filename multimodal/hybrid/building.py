"""`TableBuilder`: asks every source, and puts what they say into one table of candidates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.hybrid.candidates import CandidateTable, Feature
from multimodal.hybrid.places import relative_to_best
from multimodal.hybrid.sources.base import Candidates, Description, Flags, Ints, Questions, Source, Values
from multimodal.memory.questions.hashtag_values import HashtagValues, pair_keys


@dataclass(frozen=True, slots=True)
class TableBuilder:
    """The sources and descriptions of one hybrid, in order: later ones may read what earlier ones found.

    Attributes:
        sources: propose hashtags.
        descriptions: say more of what was proposed.
    """

    sources: Sequence[Source]
    descriptions: Sequence[Description]

    @property
    def features(self) -> tuple[Feature, ...]:
        """The columns of a table."""
        named: list[Feature] = []
        parts: list[Source | Description] = [*self.sources, *self.descriptions]
        for part in parts:
            named += [Feature(f"{part.name}.{column}", part.name) for column in part.columns]
            for column in part.ranked:
                named += [Feature(f"{part.name}.{column}.{what}", part.name) for what in ("rank", "relative")]
        return tuple(named)

    def table(self, questions: Questions) -> CandidateTable:
        """Return the candidates of B posts and all that is said of them."""
        found: dict[str, HashtagValues] = {}
        for source in self.sources:
            found[source.name] = source.values(questions, found)
        candidates, texts, numbers = self._candidates(questions, found)
        columns: list[NDArray[np.float32]] = []
        for source in self.sources:
            values = _values_of(found[source.name], candidates)
            columns += _columns_of(source, values, candidates.rows, source.missing(questions)[candidates.rows])
        for description in self.descriptions:
            values = description.describe(questions, candidates, found)
            columns += _columns_of(description, values, candidates.rows, None)
        return CandidateTable(
            len(questions),
            candidates.rows,
            numbers,
            texts,
            np.stack(columns, axis=1),
            self.features,
            tuple(source.name for source in self.sources),
            candidates.proposed,
        )

    def _candidates(
        self, questions: Questions, found: Mapping[str, HashtagValues]
    ) -> tuple[Candidates, list[str], Ints]:
        """Return the candidates in the order of their texts, the texts, and the text of each candidate."""
        proposals = [_proposals(source, found[source.name], questions) for source in self.sources]
        keys = np.unique(np.concatenate([*proposals, np.empty(0, np.int64)]))
        rows, hashtags = keys >> 32, keys & (2**32 - 1)
        used, places = np.unique(hashtags, return_inverse=True)
        texts = [questions.names[number] for number in used.tolist()]
        by_text = np.argsort(np.array(texts, dtype=object), kind="stable") if texts else np.empty(0, np.int64)
        rank = np.empty(len(texts), np.int64)
        rank[by_text] = np.arange(len(texts))
        order = np.lexsort((rank[places], rows))
        keys, proposed = keys[order], np.zeros((len(keys), len(proposals)), np.bool_)
        for column, proposal in enumerate(proposals):
            proposed[:, column] = np.isin(keys, proposal)
        return Candidates(rows[order], hashtags[order], proposed), texts, places[order]


def _proposals(source: Source, found: HashtagValues, questions: Questions) -> Ints:
    """Return keys of the pairs that a source proposes."""
    positive = np.flatnonzero(found.values[:, 0] > 0)
    kept = HashtagValues(found.rows[positive], found.hashtags[positive], found.values[positive], found.names)
    best = kept.best(source.reach, questions.names.__getitem__)
    return pair_keys(best.rows, best.hashtags)


def _values_of(found: HashtagValues, candidates: Candidates) -> Values:
    """Return what was found of each candidate, (n, C), 0 for nothing."""
    wanted, known = pair_keys(candidates.rows, candidates.hashtags), pair_keys(found.rows, found.hashtags)
    places = np.searchsorted(known, wanted)
    present = np.append(known, -1)[places] == wanted
    padded = np.concatenate([found.values, np.zeros((1, found.values.shape[1]))])
    return padded[np.where(present, places, len(known))]


def _columns_of(
    part: Source | Description, values: Values, rows: Ints, missing: Flags | None
) -> Iterator[NDArray[np.float32]]:
    """Yield the columns of a source as the table holds them."""
    for column in range(len(part.columns)):
        yield _as_column(values[:, column], missing)
    for name in part.ranked:
        for relative in relative_to_best(rows, values[:, part.columns.index(name)]):
            yield _as_column(relative, missing)


def _as_column(values: Values, missing: Flags | None) -> NDArray[np.float32]:
    column = values.astype(np.float32)
    return column if missing is None else np.where(missing, np.float32(np.nan), column)
