"""One topic per post and background words: the topic model of microblogs, by expectation maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.captions.linear.model import softmax
from multimodal.distributed.progress import shared_progress

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TweetTopics:
    """Parameters of the topic model (Zhao et al. 2011, "Comparing Twitter and traditional media using topic models").

    Each post has one topic z; each of its words comes from the topic or, by a switch, from the background:

        P(d, z) = P(z) Π_w ( λ P(w | z) + (1 - λ) P(w | background) )^n(w, d)

    Attributes:
        topics: P(z), (Z,).
        words: P(w | z), (Z, F).
        background: P(w | background), (F,).
        switch: λ, the share of words from the topic, from 0 to 1.
    """

    topics: Floats
    words: Floats
    background: Floats
    switch: float

    def of(self, counts: sparse.csr_matrix) -> Floats:
        """Return P(z | d) of posts by their word counts (B, F), (B, Z)."""
        return softmax(counts.astype(np.float64) @ self._log_words() + np.log(self.topics))

    def rounded(self) -> TweetTopics:
        """Return the model in the single precision of the saved file, so that a loaded model gives the same scores."""
        parts = (self.topics, self.words, self.background)
        topics, words, background = (part.astype(np.float32).astype(np.float64) for part in parts)
        return TweetTopics(topics, words, background, self.switch)

    def topical(self) -> Floats:
        """Return P(the word came from the topic | w, z), (Z, F)."""
        own = self.switch * self.words
        shares: Floats = own / (own + (1 - self.switch) * self.background)
        return shares

    def _log_words(self) -> Floats:
        logs: Floats = np.log(self.switch * self.words + (1 - self.switch) * self.background).T
        return logs


def learn_topics(
    counts: sparse.csr_matrix,
    topics: int,
    iterations: int,
    seed: int,
    switch: float = 0.5,
    smoothing: tuple[float, float] = (0.5, 0.01),
) -> TweetTopics:
    """Fit the topic model by expectation maximisation, in sparse products of counts and P(z | d).

    The article samples topics and switches post by post (collapsed Gibbs). Here the whole distribution P(z | d) of each
    post is kept, which needs no sampling and two products per round. It converges to a local maximum of the posterior
    under symmetric Dirichlet priors.

    Args:
        counts: (N, F) how often each word occurs in each post.
        topics: Z.
        iterations: rounds.
        seed: of the first P(z | d).
        switch: λ, above 0 and at most 1. It is not fitted: the background is the mean of the topics, so fitting would
            drive λ to 1.
        smoothing: added to the counts of topics and of words of a topic.
    """
    counts = counts.astype(np.float64)
    totals = np.asarray(counts.sum(0)).ravel() + smoothing[1]
    background = totals / max(totals.sum(), 1e-300)
    draw = np.random.default_rng(seed)
    beliefs: Floats = draw.dirichlet(np.full(topics, 0.1), counts.shape[0])
    model = _maximise(counts.T @ beliefs, beliefs, background, switch, smoothing)
    with shared_progress("finding topics", iterations, "rounds") as advance:
        for _ in range(iterations):
            beliefs = model.of(counts)
            together = (counts.T @ beliefs) * model.topical().T
            model = _maximise(together, beliefs, background, switch, smoothing)
            advance(1)
    return model


def _maximise(
    together: Floats, beliefs: Floats, background: Floats, switch: float, smoothing: tuple[float, float]
) -> TweetTopics:
    of_topics = beliefs.sum(0) + smoothing[0]
    of_words = together.T + smoothing[1]
    # Captions without a known word may leave a topic without words.
    totals = np.maximum(of_words.sum(1, keepdims=True), 1e-300)
    return TweetTopics(of_topics / of_topics.sum(), of_words / totals, background, switch)
