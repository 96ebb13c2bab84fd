"""`CandidateTable`: the hashtags that might be recommended for posts, with what every source says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a table.

    Attributes:
        name: unique in its table, such as `own.share`.
        source: the source that it comes from, such as `own`; `post` for what is the same for all hashtags of a post.
    """

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class CandidateTable:
    """Candidates of B posts, n in all: those of a post together, in the order of their texts.

    Attributes:
        posts: B, how many posts; one may have no candidate.
        rows: (n,) the post of each candidate, ascending.
        hashtags: (n,) number of its hashtag in `texts`.
        texts: text by number.
        values: (n, F) float32, NaN where a source is missing for the post.
        features: what the F columns are.
        proposers: names of the S sources that propose candidates.
        proposed: (n, S) which of them proposed each.
    """

    posts: int
    rows: Ints
    hashtags: Ints
    texts: Sequence[str]
    values: Floats
    features: tuple[Feature, ...]
    proposers: tuple[str, ...]
    proposed: Flags

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of every column."""
        return tuple(feature.name for feature in self.features)

    @property
    def sources(self) -> tuple[str, ...]:
        """The source of every column."""
        return tuple(feature.source for feature in self.features)

    def labels(self, truth: Sequence[Sequence[str]]) -> Flags:
        """Return which candidates are true, (n,).

        Args:
            truth: the hashtags of each of the B posts.
        """
        true = [set(hashtags) for hashtags in truth]
        pairs = zip(self.rows.tolist(), self.hashtags.tolist(), strict=True)
        return np.fromiter((self.texts[number] in true[row] for row, number in pairs), np.bool_, len(self))

    def of_posts(self, start: int, stop: int) -> CandidateTable:
        """Return the candidates of the posts from `start` to before `stop`, which are numbered from 0."""
        first, last = np.searchsorted(self.rows, [start, stop])
        part = slice(int(first), int(last))
        return CandidateTable(
            stop - start,
            self.rows[part] - start,
            self.hashtags[part],
            self.texts,
            self.values[part],
            self.features,
            self.proposers,
            self.proposed[part],
        )

    def without(self, sources: Sequence[str]) -> CandidateTable:
        """Return the table without the columns of some sources, and without what no other source proposed."""
        kept_columns = np.array([source not in sources for source in self.sources], np.bool_)
        kept_proposers = np.array([source not in sources for source in self.proposers], np.bool_)
        kept = self.proposed[:, kept_proposers].any(1)
        return CandidateTable(
            self.posts,
            self.rows[kept],
            self.hashtags[kept],
            self.texts,
            self.values[np.ix_(kept, kept_columns)],
            tuple(feature for feature in self.features if feature.source not in sources),
            tuple(name for name in self.proposers if name not in sources),
            self.proposed[np.ix_(kept, kept_proposers)],
        )


def joined(tables: Sequence[CandidateTable]) -> CandidateTable:
    """Return the candidates of several tables with the same columns, one behind the other; at least one table."""
    first, rows, hashtags, posts = tables[0], [], [], 0
    texts: list[str] = []
    for table in tables:
        rows.append(table.rows + posts)
        hashtags.append(table.hashtags + len(texts))
        posts += table.posts
        texts += table.texts
    return CandidateTable(
        posts,
        np.concatenate(rows),
        np.concatenate(hashtags),
        texts,
        np.concatenate([table.values for table in tables]),
        first.features,
        first.proposers,
        np.concatenate([table.proposed for table in tables]),
    )
