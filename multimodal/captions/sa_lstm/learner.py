"""`WordLearner`: how a sequence labeller learns which words are hashtags, and is validated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.captions.encoder_learner import EncoderLearner
from multimodal.captions.sa_lstm.candidates import LabelledWords
from multimodal.captions.sa_lstm.merging import MergingJudge, WordMerging
from multimodal.distributed.processes import map_processes
from multimodal.encoders.features.inputs import TokenCaptions

if TYPE_CHECKING:
    from multimodal.captions.sa_lstm.system import SaLstm

_NO_CANDIDATE = -1


class WordLearner(EncoderLearner):
    """Trains the network of a `SaLstm`; see `multimodal.training.trainer.Learner`.

    Args:
        system: its `network` is trained; its prior fills the lists.
        train: posts with a hashtag and a word.
        validation: posts with a hashtag.
    """

    def __init__(self, system: SaLstm, train: LabelledWords, validation: LabelledWords) -> None:
        self.system, self.config, self._train = system, system.config, train
        self._tokens = TokenCaptions(system.encoder, train.captions)
        super().__init__(
            system.network,
            system.encoder,
            system.config.training,
            system.config.layer_decay,
            system.config.seed,
            self._tokens.lengths(),
        )
        self._labels = [np.array(train.labels(row), np.int64) for row in range(len(train))]
        self._mean_candidates = float(np.mean([len(row) for row in train.candidates]))
        self._weights = torch.tensor([1.0, self.config.positive_weight])
        self._asked = validation.captions
        self._judge = MergingJudge(
            [list(dict.fromkeys(one.hashtag for one in row)) for row in validation.candidates],
            validation.hashtags,
            system.prior,
            system.id_map,
            self.config.training.validation_k,
        )

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Take note of the device."""
        super().start_epoch(epoch, device)
        self._weights = self._weights.to(device)

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, dict[str, float]]:
        """Return the softmax cross-entropy of the labels, summed over a post's words, as a mean over posts."""
        ids, mask = self._tokens.batch(rows)
        logits = module(ids.to(self._device), mask.to(self._device)).float()
        labels = torch.from_numpy(self._label_table(rows, logits.shape[1], logits.shape[2])).to(self._device)
        total = F.cross_entropy(
            logits.flatten(0, 2), labels.flatten(), self._weights, ignore_index=_NO_CANDIDATE, reduction="sum"
        )
        # By a constant and not by the words of this batch: the processes' shares then weigh what they would in one.
        return total / (len(rows) * self._mean_candidates), {}

    def _label_table(self, rows: list[int], longest: int, words: int) -> NDArray[np.int64]:
        """Return (B, N, T) labels, -1 where nothing could be a hashtag."""
        table = np.full((len(rows), longest, words), _NO_CANDIDATE, np.int64)
        for place, row in enumerate(rows):
            found = self._train.candidates[row]
            table[place, [one.words - 1 for one in found], [one.start for one in found]] = self._labels[row]
        return table

    def validate(self) -> dict[str, float]:
        """Return F1@K at the best shift, that shift, and how often the top word is right.

        `top_word_precision` is what the article calls precision: the share of posts whose most likely word is one of
        their hashtags; `top_word_precision_reachable` is over those posts alone that have such a word.
        """
        logits = self._validation_logits()
        shift, score, hit_rate = self._best_shift(logits)
        hits, reachable = self._judge.top_word_hits(logits), self._judge.reachable()
        return {
            "score": score,
            "hit_rate": hit_rate,
            "shift": shift,
            "top_word_precision": float(hits.mean()),
            "top_word_precision_reachable": float(hits[reachable].mean()) if reachable.any() else 0.0,
        }

    def choose_merging(self) -> WordMerging:
        """Return the merging that the network as it is now does best with."""
        return WordMerging(self._best_shift(self._validation_logits())[0], self.config.words_first)

    def _validation_logits(self) -> list[NDArray[np.float64]]:
        rows = range(len(self._asked))
        return map_processes(
            rows, lambda share: [own for _, own in self.system.word_logits([self._asked[row] for row in share])]
        )

    def _best_shift(self, logits: list[NDArray[np.float64]]) -> tuple[float, float, float]:
        """Return the shift of the highest F1, the one nearest to 0 among equals, with F1 and hit rate."""
        # Before all popular hashtags, words are in the same order whatever is added to them.
        shifts = (0.0,) if self.config.words_first else self.config.shifts
        judged = [(shift, *self._judge.f1(logits, WordMerging(shift, self.config.words_first))) for shift in shifts]
        return max(judged, key=lambda one: (round(one[1], 9), -abs(one[0])))
