"""Lists that are comprehensive, not redundant, and not merely popular: another order of a System's best hashtags.

`mmr` takes, one after the other, the hashtag with the largest (1 - λ) r - λ max s (maximal marginal relevance,
Carbonell & Goldstein 1998, 10.1145/290941.291025); `dpp` the one that adds most to log det of q_i s_ij q_j with
q = exp(r (1 - λ) / 2λ) (a determinantal point process, Chen et al. 2018, arXiv 1709.05135). r is the score, scaled to
0..1 within the post, less γ times the popularity; s is the likeness of two hashtags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import UserError, nearest, short_repr
from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.synonyms import one_of_each

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
METHODS = ("mmr", "dpp")
_SMALLEST = 1e-10
_LONGEST_POOL = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reranking:
    """How the best hashtags of a post are reordered.

    Attributes:
        method: `mmr` or `dpp`.
        diversity: λ, 0 to 1; at 0 likeness does not count.
        popularity: γ, 0 to 1; at 0 popularity does not count.
        pool: how many of the best hashtags are reordered, at least as many as are recommended.
        one_of_each: whether of hashtags that mean the same only the best one is listed, see `synonyms`.
    """

    method: str = "mmr"
    diversity: float = 0.0
    popularity: float = 0.0
    pool: int = 30
    one_of_each: bool = False

    def order(self, scores: Floats, likeness: Floats, popularity: Floats, k: int) -> list[int]:
        """Return which of P hashtags are the first k, and in which order.

        Args:
            scores: (P,) larger is better.
            likeness: (P, P) 0 to 1, symmetric, 1 on the diagonal.
            popularity: (P,) 0 to 1.
            k: how many.
        """
        spread = float(np.ptp(scores)) if len(scores) else 0.0
        relevance = (scores - scores.min(initial=np.inf)) / spread if spread > 0 else np.zeros(len(scores))
        relevance = relevance - self.popularity * popularity
        if self.diversity == 0:
            return [int(place) for place in np.argsort(-relevance, kind="stable")[:k]]
        return (_mmr if self.method == "mmr" else _dpp)(relevance, likeness, self.diversity, min(k, len(scores)))


def read_reranking(given: Mapping[str, Any] | Reranking | None) -> Reranking | None:
    """Return settings from plain values; None for None.

    Raises:
        UserError: a key is unknown, or a value is out of range.
    """
    if given is None or isinstance(given, Reranking):
        return given
    names = [field.name for field in fields(Reranking)]
    if not isinstance(given, Mapping):
        raise UserError(f"rerank: {short_repr(given)} is not a dictionary with some of {', '.join(names)}.")
    for key in given:
        if key not in names:
            hint = nearest(key, names) if isinstance(key, str) else ""
            raise UserError(f"rerank: unknown key {short_repr(key)}.{hint} Accepted: {', '.join(names)}.")
    values = dict(given)
    if values.get("method", "mmr") not in METHODS:
        raise UserError(f"rerank: method {short_repr(values['method'])} is not known; accepted: {', '.join(METHODS)}.")
    for name in ("diversity", "popularity"):
        value = values.get(name, 0.0)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise UserError(f"rerank: {name} {short_repr(value)} is not a number from 0 to 1.")
    pool = values.get("pool", 30)
    if isinstance(pool, bool) or not isinstance(pool, int) or not 1 <= pool <= _LONGEST_POOL:
        raise UserError(f"rerank: pool {short_repr(pool)} is not a whole number from 1 to {_LONGEST_POOL:,}.")
    if not isinstance(values.get("one_of_each", False), bool):
        raise UserError(f"rerank: one_of_each {short_repr(values['one_of_each'])} is neither True nor False.")
    return Reranking(**values)


def reordered(
    ranking: Sequence[tuple[str, float]], settings: Reranking, memory: PostMemory, post: Post, k: int
) -> list[tuple[str, float]]:
    """Return the first k of a post's ranking in the new order, each with its score.

    Args:
        ranking: hashtags and scores, best first.
        settings: how they are reordered.
        memory: tells likeness, by strictly earlier posts, and popularity, by train posts.
        post: whose list it is.
        k: how many; where those left out are needed to fill the list, they come last.
    """
    instant_us = int(memory.resolve(np.array([post.instant_us]))[0])
    pool, left_out = list(ranking[: max(settings.pool, k)]), []
    if settings.one_of_each:
        stays = one_of_each([hashtag for hashtag, _ in pool], memory, post.user_id, instant_us)
        left_out = [pair for pair, kept in zip(pool, stays, strict=True) if not kept]
        pool = [pair for pair, kept in zip(pool, stays, strict=True) if kept]
    names = [hashtag for hashtag, _ in pool]
    scores = np.array([score for _, score in pool], np.float64)
    chosen = settings.order(scores, likeness_of(names, memory, instant_us), popularity_of(names, memory.id_map), k)
    return [*(pool[place] for place in chosen), *left_out][:k]


def likeness_of(hashtags: Sequence[str], memory: PostMemory, instant_us: int) -> Floats:
    """Return the cosine of hashtags as sets of their last posts strictly before an instant, (P, P).

    √(P(a | b) P(b | a)), each share over the last 200 posts; hashtags that nobody has used are like nothing.
    """
    numbers = np.array([-1 if (found := memory.id_map.find(one)) is None else found for one in hashtags], np.int64)
    known = np.flatnonzero(numbers >= 0)
    likeness = np.eye(len(hashtags))
    if len(known):
        moments = np.full(len(known), instant_us, np.int64)
        shares = memory.questions.cooccurrence(numbers[known], moments)
        column = shares.names.index("share")
        asked = np.broadcast_to(numbers[known], (len(known), len(known)))
        conditional = shares.at(np.ascontiguousarray(asked))[..., column]
        likeness[np.ix_(known, known)] = np.sqrt(conditional * conditional.T)
    np.fill_diagonal(likeness, 1.0)
    return likeness


def popularity_of(hashtags: Sequence[str], id_map: HashtagIdMap) -> Floats:
    """Return ln(1 + train posts with a hashtag) over that of the most popular one, (P,) from 0 to 1."""
    numbers = np.array([-1 if (found := id_map.find(one)) is None else found for one in hashtags], np.int64)
    most = np.log1p(id_map.frequencies.max(initial=0))
    return np.log1p(id_map.frequency_of(numbers)) / most if most > 0 else np.zeros(len(hashtags))


def _mmr(relevance: Floats, likeness: Floats, diversity: float, k: int) -> list[int]:
    chosen: list[int] = []
    closest = np.zeros(len(relevance))
    open_ = np.ones(len(relevance), np.bool_)
    for _ in range(k):
        values = np.where(open_, (1 - diversity) * relevance - diversity * closest, -np.inf)
        best = int(np.argmax(values))
        chosen.append(best)
        open_[best] = False
        closest = np.maximum(closest, likeness[best])
    return chosen


def _dpp(relevance: Floats, likeness: Floats, diversity: float, k: int) -> list[int]:
    quality = np.exp(np.minimum((1 - diversity) / (2 * diversity), 50.0) * relevance)
    kernel = quality[:, None] * likeness * quality
    gains, factors = np.diag(kernel).copy(), np.zeros((k, len(relevance)))
    chosen: list[int] = []
    open_ = np.ones(len(relevance), np.bool_)
    for step in range(k):
        best = int(np.argmax(np.where(open_, gains, -np.inf)))
        chosen.append(best)
        open_[best] = False
        row = (kernel[best] - factors[:step, best] @ factors[:step]) / np.sqrt(max(gains[best], _SMALLEST))
        factors[step] = row
        gains = np.maximum(gains - row**2, _SMALLEST * quality**2)
    return chosen
