"""Streams of posts for the tests of the search, and a slow search to compare with."""

from __future__ import annotations

import numpy as np
from scipy import sparse

SLOTS, WIDTH = 8, 4


class Posts:
    """Columns of posts in plain arrays, which a stream appends to."""

    def __init__(self, terms, vectors, instants_us, alive=None):
        self.terms, self.vectors, self.alive = terms, vectors, alive
        self.instants_us = np.asarray(instants_us, np.int64)

    def __len__(self):
        return len(self.instants_us)

    def terms_at(self, positions):
        return self.terms[positions]

    def vectors_at(self, space, positions):
        return self.vectors[space][positions]

    def extend(self, other):
        """Append the posts of another stream."""
        self.terms = sparse.vstack([self.terms, other.terms], format="csr")
        self.vectors = {space: np.concatenate([rows, other.vectors[space]]) for space, rows in self.vectors.items()}
        self.instants_us = np.concatenate([self.instants_us, other.instants_us])

    def part(self, start, stop):
        """Return a stream of some of the posts."""
        rows = slice(start, stop)
        vectors = {space: rows_[rows] for space, rows_ in self.vectors.items()}
        return Posts(self.terms[rows], vectors, self.instants_us[rows])


def stream(count, seed=0, instants=None, step=3_600_000_000, clusters=5):
    """Return posts of a few clusters in two dense spaces, some without words or without a vector."""
    draw = np.random.default_rng(seed)
    groups = draw.integers(0, clusters, count)
    centres = np.random.default_rng(99).normal(size=(2, clusters, WIDTH))
    vectors = {
        name: (centre[groups] + 0.5 * draw.normal(size=(count, WIDTH))).astype(np.float32)
        for name, centre in zip(("caption", "image"), centres, strict=True)
    }
    vectors["image"][draw.random(count) < 0.2] = 0
    dense = draw.integers(0, 4, (count, SLOTS)) * (draw.random((count, SLOTS)) < 0.3)
    lengths = np.sqrt((dense**2).sum(1, keepdims=True))
    terms = sparse.csr_matrix((dense / np.where(lengths > 0, lengths, 1)).astype(np.float32))
    times = np.arange(count) * step if instants is None else instants
    return Posts(terms, vectors, times)


def slow_find(posts, asked, row, likeness, count, usable=None):
    """Compare every post in a loop; return positions and similarity, best first."""
    found = []
    for position in range(len(posts)):
        instant, now = int(posts.instants_us[position]), int(asked.instants_us[row])
        if instant >= now or (usable is not None and not usable[position]):
            continue
        total = 0.0
        for space, weight in likeness.weights.items():
            if space == "words":
                one, other = (
                    side.terms[at].toarray()[0].astype(float) for side, at in ((asked, row), (posts, position))
                )
            else:
                one, other = asked.vectors[space][row].astype(float), posts.vectors[space][position].astype(float)
                one, other = (side / (np.linalg.norm(side) or 1) for side in (one, other))
            total += weight * max(float(one @ other), 0)
        total = round(total, 5)
        value = total**likeness.power * ((now - instant) / 3_600_000_000 + 1) ** -likeness.decay
        if value > 0:
            found.append((-value, -instant, -position, total))
    best = sorted(found)[:count]
    return [-position for _, _, position, _ in best], [total for *_, total in best]


def ask(index, asked, count, likeness, rows=None, **filters):
    """Ask an index with the posts of a stream."""
    rows = np.arange(len(asked)) if rows is None else np.asarray(rows, np.int64)
    vectors = {space: values[rows] for space, values in asked.vectors.items()}
    return index.find(asked.terms[rows], vectors, asked.instants_us[rows], count, likeness, **filters)
