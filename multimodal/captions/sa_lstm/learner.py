"""`WordLearner`: how a sequence labeller learns which words are hashtags, and how it is validated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.captions.encoder_learner import EncoderLearner
from multimodal.captions.sa_lstm.candidates import LabelledWords
from multimodal.captions.sa_lstm.config import SaLstmConfig
from multimodal.captions.sa_lstm.merging import MergedHits, WordMerging
from multimodal.captions.sa_lstm.tagger import WordTagger
from multimodal.distributed.processes import map_processes
from multimodal.encoders.features.inputs import TokenCaptions
from multimodal.ranking.popularity_prior import PopularityPrior

_NO_CANDIDATE = -1


class WordLearner(EncoderLearner):
    """Trains a `WordTagger`.

    Args:
        network: is trained.
        config: how.
        train: posts with a hashtag and a word.
        validation: posts with a hashtag.
        prior: popular hashtags, which fill the lists.
        word_logits: cleaned captions → the words of each and their logits, by the network as it is.
    """

    def __init__(
        self,
        network: WordTagger,
        config: SaLstmConfig,
        train: LabelledWords,
        validation: LabelledWords,
        prior: PopularityPrior,
        word_logits: Callable[[Sequence[str]], list[tuple[list[str], NDArray[np.float64]]]],
    ) -> None:
        self.config, self._train, self._word_logits = config, train, word_logits
        self._tokens = TokenCaptions(network.encoder, train.captions)
        super().__init__(network, config, self._tokens.lengths())
        self._labels = [np.array(train.labels(row), np.int64) for row in range(len(train))]
        self._mean_candidates = float(np.mean([len(row) for row in train.candidates]))
        self._weights = torch.tensor([1.0, self.config.positive_weight])
        self._validation_captions = validation.captions
        words = [list(dict.fromkeys(one.hashtag for one in row)) for row in validation.candidates]
        self._merged = MergedHits(words, validation.hashtags, prior, self.training.validation_k)

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Set the device."""
        super().start_epoch(epoch, device)
        self._weights = self._weights.to(device)

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, dict[str, float]]:
        """Return the softmax cross-entropy of the labels, summed over a post's words, as a mean over posts."""
        ids, mask = self._tokens.batch(rows)
        logits = module(ids.to(self.device), mask.to(self.device)).float()
        labels = torch.from_numpy(self._label_table(rows, logits.shape[1], logits.shape[2])).to(self.device)
        total = F.cross_entropy(
            logits.flatten(0, 2), labels.flatten(), self._weights, ignore_index=_NO_CANDIDATE, reduction="sum"
        )
        # Divided by a constant and not by the words of the batch, so that any number of processes gives the same loss.
        return total / (len(rows) * self._mean_candidates), {}

    def _label_table(self, rows: list[int], longest: int, words: int) -> NDArray[np.int64]:
        """Return (B, N, T) labels, -1 where there is no candidate."""
        table = np.full((len(rows), longest, words), _NO_CANDIDATE, np.int64)
        for labels_NT, row in zip(table, rows, strict=True):
            candidates = self._train.candidates[row]
            labels_NT[[one.words - 1 for one in candidates], [one.start for one in candidates]] = self._labels[row]
        return table

    def validate(self) -> dict[str, float]:
        """Return F1@K at the best shift, that shift, and how often the top word is right.

        `top_word_precision` is what the article calls precision: the share of posts whose most likely word is one of
        their hashtags; `top_word_precision_reachable` is the same over the posts that have such a word.
        """
        logits = self._validation_logits()
        shift, score, hit_rate = self._best_shift(logits)
        hits, reachable = self._merged.top_word_hits(logits), self._merged.reachable()
        return {
            "score": score,
            "hit_rate": hit_rate,
            "shift": shift,
            "top_word_precision": float(hits.mean()),
            "top_word_precision_reachable": float(hits[reachable].mean()) if reachable.any() else 0.0,
        }

    def best_shift(self) -> float:
        """Return the shift that gives the network as it is the highest F1@K."""
        return self._best_shift(self._validation_logits())[0]

    def _validation_logits(self) -> list[NDArray[np.float64]]:
        return map_processes(
            self._validation_captions, lambda captions: [logits for _, logits in self._word_logits(captions)]
        )

    def _best_shift(self, logits: list[NDArray[np.float64]]) -> tuple[float, float, float]:
        """Return the shift of the highest F1, of equal ones the nearest to 0, with its F1 and hit rate."""
        # If all words come before the popular hashtags, no shift changes the order.
        shifts = (0.0,) if self.config.words_first else self.config.shifts
        results = [(shift, *self._merged.f1(logits, WordMerging(shift, self.config.words_first))) for shift in shifts]
        return max(results, key=lambda one: (round(one[1], 9), -abs(one[0])))
