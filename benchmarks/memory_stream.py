"""A stream of posts as large as wanted, written block by block: Zipf words, clustered vectors, hashtags and users."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.caption_vectors import SLOTS

WIDTH, SPACE = 256, "caption"
_BLOCK = 65_536
_WORDS, _OWN_WORDS, _CLUSTERS, _TOPICS = 150_000, 200, 20_000, 500
_START_US, _YEARS_US = 1_600_000_000_000_000, 2 * 31_556_952_000_000
_HASHTAGS_A_POST, _HASHTAGS, _USERS_A_POST = 3, 50_000, 1 / 30
_LANGUAGES = ["en", "de", "fr"]
_DTYPES = {"vectors": np.float32, "slots": np.int32, "weights": np.float32, "ends": np.int64}


class Generator:
    """Draws posts: each belongs to a cluster, which has a centre and words of its own.

    Args:
        vectors: "clusters", as sentence encoders give, or "isotropic": noise, in which all posts are about equally far
            apart, so that no approximate index finds the nearest.
        seed: of everything that posts share.
    """

    def __init__(self, vectors: str = "clusters", seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        self.isotropic = vectors == "isotropic"
        topics = draw.normal(size=(_TOPICS, WIDTH)).astype(np.float32)
        near = draw.normal(size=(_CLUSTERS, WIDTH)).astype(np.float32)
        self.centres = topics[draw.integers(0, _TOPICS, _CLUSTERS)] + near
        self.slots = draw.permutation(SLOTS)[:_WORDS].astype(np.int32)
        self.common = np.cumsum(1 / (np.arange(_WORDS) + 3.0) ** 1.05)
        self.own = np.cumsum(1 / (np.arange(_OWN_WORDS) + 2.0))
        self.idf = self._idf(np.random.default_rng(seed + 1))

    def _idf(self, draw: np.random.Generator) -> NDArray[np.float64]:
        _, owners, words = self._words(draw, _BLOCK)
        counts = np.bincount(np.unique(owners * _WORDS + words) % _WORDS, minlength=_WORDS)
        return np.log((1 + _BLOCK) / (1 + counts)) + 1

    def _words(self, draw: np.random.Generator, count: int) -> tuple[NDArray[np.int64], ...]:
        clusters = np.minimum(draw.exponential(_CLUSTERS / 3, count).astype(np.int64), _CLUSTERS - 1)
        lengths = 4 + draw.poisson(9, count)
        owners = np.repeat(np.arange(count), lengths)
        words = np.searchsorted(self.common, draw.random(len(owners)) * self.common[-1])
        own = draw.random(len(owners)) < 0.4
        ranks = np.searchsorted(self.own, draw.random(int(own.sum())) * self.own[-1])
        # A cluster's own words lie anywhere in the vocabulary, rare ones mostly.
        words[own] = (clusters[owners[own]] * 7_919 + ranks * 104_729) % _WORDS
        return clusters, owners, words

    def block(self, seed: int, count: int) -> tuple[NDArray[np.float32], sparse.csr_matrix, NDArray[np.int64]]:
        """Return vectors (count, WIDTH), caption terms (count, SLOTS) and clusters (count,)."""
        draw = np.random.default_rng((seed, 7))
        clusters, owners, words = self._words(draw, count)
        pairs, repeats = np.unique(owners * _WORDS + words, return_counts=True)
        owners, words = pairs // _WORDS, pairs % _WORDS
        weights = (1 + np.log(repeats)) * self.idf[words]
        weights /= np.sqrt(np.bincount(owners, weights**2, count))[owners]
        starts = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=count))])
        terms = sparse.csr_matrix((weights.astype(np.float32), self.slots[words], starts), shape=(count, SLOTS))
        vectors = draw.normal(size=(count, WIDTH)).astype(np.float32)
        if not self.isotropic:
            # Cosine of about .56 between posts of a cluster: the centre has length sqrt(2 · WIDTH).
            vectors = self.centres[clusters] + np.float32(1.25) * vectors
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors, terms, clusters


@dataclass(frozen=True)
class StreamPosts:
    """Columns of generated posts in files, memory-mapped."""

    instants_us: NDArray[np.int64]
    vectors: NDArray[np.floating[Any]]
    slots: NDArray[np.int32]
    weights: NDArray[np.float32]
    ends: NDArray[np.int64]
    alive: None = None

    def __len__(self) -> int:
        return len(self.instants_us)

    def vectors_at(self, space: str, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of posts."""
        return self.vectors[_slice_if_possible(positions)].astype(np.float32, copy=False)

    def terms_at(self, positions: NDArray[np.int64]) -> sparse.csr_matrix:
        """Return the caption terms of posts."""
        starts = np.where(positions > 0, self.ends[positions - 1], 0)
        counts = self.ends[positions] - starts
        firsts = np.cumsum(counts) - counts
        entries = np.arange(int(counts.sum())) + np.repeat(starts - firsts, counts)
        inner = np.concatenate([firsts, [len(entries)]])
        entries = _slice_if_possible(entries)
        return sparse.csr_matrix((self.weights[entries], self.slots[entries], inner), shape=(len(positions), SLOTS))

    def first(self, count: int) -> StreamPosts:
        """Return the earliest posts."""
        entries = int(self.ends[count - 1])
        columns = self.vectors[:count], self.slots[:entries], self.weights[:entries], self.ends[:count]
        return StreamPosts(self.instants_us[:count], *columns)


def _slice_if_possible(positions: NDArray[np.int64]) -> NDArray[np.int64] | slice:
    if len(positions) > _BLOCK // 16 and (np.diff(positions) == 1).all():
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions


def write_stream(folder: Path, count: int, generator: Generator, span_posts: int, half: bool = False) -> StreamPosts:
    """Write posts to files and map them.

    Args:
        folder: for the files.
        count: how many posts.
        generator: draws them.
        span_posts: how many posts fall into two years.
        half: whether vectors are written in half precision.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dtypes = {**_DTYPES, "vectors": np.float16} if half else _DTYPES
    files = {name: (folder / f"{name}.bin").open("wb") for name in dtypes}
    entries = 0
    for start, size in blocks(count):
        vectors, terms, _ = generator.block(start, size)
        rows = {"vectors": vectors, "slots": terms.indices, "weights": terms.data, "ends": terms.indptr[1:] + entries}
        entries += terms.nnz
        for name, values in rows.items():
            values.astype(dtypes[name]).tofile(files[name])
    for file in files.values():
        file.close()
    mapped = {name: np.asarray(np.memmap(folder / f"{name}.bin", dtype, "r")) for name, dtype in dtypes.items()}
    instants = _START_US + np.arange(count, dtype=np.int64) * (_YEARS_US // span_posts)
    vectors = mapped["vectors"].reshape(count, WIDTH)
    return StreamPosts(instants, vectors, mapped["slots"], mapped["weights"], np.array(mapped["ends"]))


def blocks(count: int) -> Iterator[tuple[int, int]]:
    """Yield start and size of the blocks of a stream."""
    for start in range(0, count, _BLOCK):
        yield start, min(_BLOCK, count - start)


def memory_of(posts: StreamPosts, seed: int = 0) -> PostMemory:
    """Return a memory of generated posts with users and hashtags, whose vectors and terms stay in their files."""
    draw, count = np.random.default_rng(seed), len(posts)
    users = max(int(count * _USERS_A_POST), 1)
    tags = np.minimum(draw.zipf(1.3, (count, _HASHTAGS_A_POST)) - 1, _HASHTAGS - 1)
    # No hashtag comes twice in a post.
    tags = np.sort(tags, 1)
    kept = np.concatenate([np.ones((count, 1), bool), tags[:, 1:] != tags[:, :-1]], 1)
    arrays = {
        "users": draw.integers(0, users, count),
        "instants_us": posts.instants_us,
        "hashtags": tags[kept],
        "hashtag_ends": np.cumsum(kept.sum(1)),
        "languages": draw.integers(-1, len(_LANGUAGES), count).astype(np.int16),
        f"vectors.{SPACE}": posts.vectors,
        "term_slots": posts.slots,
        "term_weights": posts.weights,
        "term_ends": posts.ends,
    }
    values = {
        "width": 0,
        "slots": SLOTS,
        "spaces": {SPACE: WIDTH},
        "languages": _LANGUAGES,
        "post_ids": [f"p{number}" for number in range(count)],
        "user_ids": [f"u{number}" for number in range(users)],
    }
    return PostMemory.from_state(arrays, values, vocabulary())


def vocabulary() -> HashtagIdMap:
    """Return the hashtags of generated posts."""
    return HashtagIdMap([f"tag{number}" for number in range(_HASHTAGS)])
