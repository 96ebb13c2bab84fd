"""`TableBuilder`: asks every source, and puts what they say into one table of candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        parts: list[Source | Description] = [*self.sources, *self.descriptions]
        ranked = [[part.columns.index(name) for name in part.ranked] for part in parts]
        chosen = [one[:, columns] for one, columns in zip(values, ranked, strict=True)]
        places = np.stack(relative_to_best(rows, np.concatenate(chosen, axis=1)), axis=2)
        ends = np.cumsum([len(columns) for columns in ranked])[:-1]
        columns = []
        for number, (own, relative) in enumerate(zip(values, np.split(places, ends, axis=1), strict=True)):
            table = np.concatenate([own, relative.reshape(len(rows), -1)], axis=1).astype(np.float32)
            if number < len(missing) and missing[number].any():
                table[missing[number][rows]] = np.nan
            columns.append(table)
        return np.concatenate(columns, axis=1)

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
        proposed = np.zeros((len(keys), len(proposals)), np.bool_)
        for column, proposal in enumerate(proposals):
            proposed[np.searchsorted(keys, proposal), column] = True
        return Candidates(rows[order], hashtags[order], proposed[order]), texts, places[order]


def _proposals(source: Source, found: HashtagValues, questions: Questions) -> Ints:
    """Return keys of the pairs that a source proposes."""
    positive = np.flatnonzero(found.values[:, 0] > 0)
    kept = HashtagValues(found.rows[positive], found.hashtags[positive], found.values[positive], found.names)
    best = kept.best(source.reach, questions.names.__getitem__)
    return pair_keys(best.rows, best.hashtags)


def _values_of(found: HashtagValues, wanted: Ints) -> Values:
    """Return what was found of each wanted pair, (n, C), 0 for nothing."""
    known = pair_keys(found.rows, found.hashtags)
    places = np.searchsorted(known, wanted)
    present = np.append(known, -1)[places] == wanted
    padded = np.concatenate([found.values, np.zeros((1, found.values.shape[1]))])
    return padded[np.where(present, places, len(known))]
