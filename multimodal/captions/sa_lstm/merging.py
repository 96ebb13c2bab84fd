"""Merging words of the caption and popular hashtags into one list, on one scale."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.fill import fill_up
from multimodal.ranking.popularity_prior import PopularityPrior
from multimodal.ranking.top_k import order_candidates
from multimodal.training.validation_f1 import f1_of_hits

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WordMerging:
    """How a word's logit z becomes a score comparable to that of the popular hashtags.

    A word scores σ(z + `shift`), a hashtag of the vocabulary the share of train posts that carry it, and a hashtag that
    is both the larger of the two: both estimate the probability that the post carries it. With `words_first` all words
    come before the hashtags that are not words of the caption, which then score their share minus 1.

    Attributes:
        shift: added to every logit.
        words_first: see above.
    """

    shift: float = 0.0
    words_first: bool = False

    def scores(self, logits: Floats) -> Floats:
        """Return the scores of words with these logits, from 0 to 1."""
        result: Floats = expit(logits + self.shift)
        return result

    def ranking(
        self,
        words: Ints,
        logits: Floats,
        prior: PopularityPrior,
        id_map: HashtagIdMap,
        k: int,
        excluded: Collection[int] = (),
    ) -> tuple[Ints, Floats]:
        """Rank one post's words and the popular hashtags.

        Args:
            words: (n,) indices of the words in `id_map`, no repeats, none of them excluded.
            logits: (n,).
            prior: of the vocabulary.
            id_map: has the vocabulary and the words.
            k: length of the list.
            excluded: vocabulary indices that must not be recommended.

        Returns:
            Indices and scores, each of length k, or shorter if there are no more hashtags.
        """
        if self.words_first:
            own, scores = order_candidates(words, self.scores(logits), id_map, k)
            return fill_up(own, scores, prior.order, prior.shares - 1, k, excluded)
        popular, shares = prior.ranking(k + len(words), excluded)
        both = np.isin(popular, words)
        score_of = dict(zip(popular[both].tolist(), shares[both].tolist(), strict=True))
        own = np.maximum(self.scores(logits), [score_of.get(word, 0.0) for word in words.tolist()])
        indices, scores = np.concatenate([words, popular[~both]]), np.concatenate([own, shares[~both]])
        return order_candidates(indices, scores, id_map, k)


class MergedHits:
    """Counts the hits of merged lists for many posts, to compare shifts.

    Args:
        words: per post, the candidates' canonical forms without repeats.
        truth: per post.
        prior: of the vocabulary.
        k: length of the lists.
    """

    def __init__(
        self,
        words: Sequence[Sequence[str]],
        truth: Sequence[Collection[str]],
        prior: PopularityPrior,
        k: int,
    ) -> None:
        self._k = k
        self._sizes = np.array([len(tags) for tags in truth], np.float64)
        self._lengths = np.array([len(row) for row in words], np.int64)
        most = int(self._lengths.max(initial=0))
        self._inside = np.arange(most) < self._lengths[:, None]
        popular, shares = prior.ranking(k + most)
        texts = [prior.id_map[index] for index in popular.tolist()]
        share_of = dict(zip(texts, shares.tolist(), strict=True))
        self._word_hits = self._filled([word in tags for row, tags in zip(words, truth, strict=True) for word in row])
        self._floor = self._filled([share_of.get(word, 0.0) for row in words for word in row])
        self._popular = np.tile(shares, (len(words), 1))
        self._popular_hits = np.zeros(self._popular.shape)
        rank = {text: i for i, text in enumerate(texts)}
        for row, (own, tags) in enumerate(zip(words, truth, strict=True)):
            self._popular[row, [rank[word] for word in own if word in rank]] = -np.inf
            # A hashtag that is a word of the caption too counts there, not here.
            self._popular_hits[row, [rank[tag] for tag in tags if tag in rank and tag not in own]] = 1

    def _filled(self, values: Sequence[float], padding: float = 0.0) -> Floats:
        table = np.full(self._inside.shape, padding)
        table[self._inside] = values
        return table

    def top_word_hits(self, logits: Sequence[Floats]) -> Bools:
        """Return for which posts the word of the largest logit is one of its hashtags, (N,)."""
        if not self._inside.shape[1]:
            return np.zeros(len(self._lengths), np.bool_)
        best = self._table(logits).argmax(1)[:, None]
        hits: Bools = np.take_along_axis(self._word_hits, best, 1).ravel() > 0
        return hits

    def reachable(self) -> Bools:
        """Return for which posts one of the words is one of its hashtags, (N,)."""
        return np.asarray(np.any(self._word_hits > 0, axis=1), np.bool_)

    def f1(self, logits: Sequence[Floats], merging: WordMerging) -> tuple[float, float]:
        """Return F1@k of the mean precision and recall, and the hit rate.

        Args:
            logits: per post, of its words.
            merging: how words and popular hashtags are merged.
        """
        own = merging.scores(self._table(logits))
        own = own + 2 if merging.words_first else np.maximum(own, self._floor)
        scores = np.concatenate([np.where(self._inside, own, -np.inf), self._popular], 1)
        hits = np.concatenate([self._word_hits, self._popular_hits], 1)
        k = min(self._k, scores.shape[1])
        top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        counts = np.take_along_axis(hits, top, 1).sum(1)
        return float(f1_of_hits(counts, self._sizes, self._k)), float((counts > 0).mean())

    def _table(self, logits: Sequence[Floats]) -> Floats:
        return self._filled(np.concatenate([np.empty(0), *logits]).tolist(), -np.inf)
