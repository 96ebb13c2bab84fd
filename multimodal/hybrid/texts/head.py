"""`TextHead`: how near a post is to the words of a hashtag, and to the posts that used it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from multimodal.hybrid.texts.vectors import HashtagVectors, posts_means, unit
from multimodal.memory.post_memory import PostMemory

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
MOST_POSTS = 4_096
_BATCH, _MOST_HASHTAGS, _EPOCHS = 128, 4_096, 3
_RATE, _SCALE_RATE, _DECAY, _LOG_SCALE = 1e-3, 1e-2, 1e-2, 2.0
_DECIMALS = 5


@dataclass(frozen=True, slots=True)
class TextHead:
    """s = w · A x + m · C x for a post's vector x, a hashtag's words w and the mean m of its last posts.

    A and C are learned by a decoupled softmax (https://arxiv.org/abs/2110.06848): each hashtag of a post against all
    that the post does not have and that were used before.

    Attributes:
        words: A, (D, D).
        posts: C, (D, D).
    """

    words: Floats
    posts: Floats

    def scores(self, posts: Floats, rows: Ints, words: Floats, means: Floats) -> NDArray[np.float64]:
        """Return the scores of n hashtags, (n,), rounded; each depends on its own post and hashtag alone.

        Args:
            posts: (B, D), of length 1 or 0.
            rows: (n,) the post of each hashtag.
            words: (n, D) of its words.
            means: (n, D) of its last posts.
        """
        scores = np.zeros(len(rows))
        for matrix, values in ((self.words, words), (self.posts, means)):
            mapped = np.stack([matrix @ post for post in posts]) if len(posts) else posts
            scores += np.einsum("ij,ij->i", values, mapped[rows])
        return np.round(scores, _DECIMALS)

    @classmethod
    def fit(
        cls, memory: PostMemory, space: str, vectors: HashtagVectors, stop: int, last: int, seed: int = 0
    ) -> TextHead:
        """Learn from posts as they came, each batch of 128 beside the state of the hashtags before it.

        Args:
            memory: its first posts are in order of time.
            space: of the posts' vectors.
            vectors: of the hashtags.
            stop: how many of the posts are learned from, at most the last 4,096 of them.
            last: over how many posts with a hashtag its mean is.
            seed: of the hashtags that are compared where more than 4,096 are known.
        """
        batches = list(_batches(memory, space, vectors, stop, last, seed))
        width = vectors.width
        weights = [torch.zeros(width, width, requires_grad=True) for _ in range(2)]
        scales = torch.full((2,), _LOG_SCALE, requires_grad=True)
        groups = [
            {"params": weights, "weight_decay": _DECAY},
            {"params": [scales], "weight_decay": 0.0, "lr": _SCALE_RATE},
        ]
        optimiser = torch.optim.AdamW(groups, lr=_RATE)
        for _ in range(_EPOCHS):
            for batch in batches:
                optimiser.zero_grad()
                batch.loss(*_matrices(weights, scales)).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
        with torch.no_grad():
            words, posts = (matrix.numpy() for matrix in _matrices(weights, scales))
        return cls(words, posts)


def _matrices(weights: list[torch.Tensor], scales: torch.Tensor) -> list[torch.Tensor]:
    identity = torch.eye(len(weights[0]))
    return [scale * (identity + weight) for scale, weight in zip(scales.exp(), weights, strict=True)]


@dataclass(frozen=True, slots=True)
class _Batch:
    """B posts beside the H hashtags that were used before all of them.

    Attributes:
        posts: (B, D).
        words, means: (H, D) of the hashtags.
        right: (B, H) which of them each post has.
    """

    posts: torch.Tensor
    words: torch.Tensor
    means: torch.Tensor
    right: torch.Tensor

    def loss(self, to_words: torch.Tensor, to_posts: torch.Tensor) -> torch.Tensor:
        """Return -log(e^s / (e^s + Σ e^wrong)), the mean over posts and their hashtags."""
        scores = self.posts @ to_words.T @ self.words.T + self.posts @ to_posts.T @ self.means.T
        wrong = torch.logsumexp(scores.masked_fill(self.right, -torch.inf), 1, keepdim=True)
        return (torch.logaddexp(scores, wrong) - scores)[self.right].mean()


def _batches(
    memory: PostMemory, space: str, vectors: HashtagVectors, stop: int, last: int, seed: int
) -> Iterator[_Batch]:
    positions = np.arange(max(stop - MOST_POSTS, 0), stop)
    known = np.unique(memory.hashtag_pairs(positions)[1])
    words = vectors.of([memory.id_map[number] for number in known.tolist()])
    draw = np.random.default_rng(seed)
    for start in range(0, len(positions), _BATCH):
        batch = positions[start : start + _BATCH]
        moment = memory.instants_us[batch[0]]
        before = memory.questions.uses(known, np.full(len(known), moment)) > 0
        posts, hashtags = memory.hashtag_pairs(batch)
        places = np.searchsorted(known, hashtags)
        posts, places = posts[before[places]], places[before[places]]
        compared = _compared(np.flatnonzero(before), places, draw)
        if not len(places) or len(compared) < 2:
            continue
        found = memory.questions.newest_with(known[compared], np.full(len(compared), moment), last=last)
        right = torch.zeros(len(batch), len(compared), dtype=torch.bool)
        right[posts, np.searchsorted(compared, places)] = True
        yield _Batch(
            torch.from_numpy(unit(memory.vectors_at(space, batch))),
            torch.from_numpy(words[compared]),
            torch.from_numpy(posts_means(memory, space, found, len(compared))),
            right,
        )


def _compared(before: Ints, right: Ints, draw: np.random.Generator) -> Ints:
    """Return which hashtags a batch is compared with, ascending: all, or its own and some others."""
    if len(before) <= _MOST_HASHTAGS:
        return before
    others = draw.choice(before, _MOST_HASHTAGS, replace=False)
    return np.union1d(right, others)
