"""`MemoryLearner`: how a memory network learns and is validated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from data_loaders.batches import pad
from data_loaders.posts import Post
from multimodal.captions.encoder_learner import EncoderLearner
from multimodal.captions.hmemn2n.remembered_words import histories, words_at
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.validation import hit_figures
from multimodal.distributed.processes import map_processes
from multimodal.encoders.features.inputs import TokenCaptions
from multimodal.systems.adding_posts import add_in_batches
from multimodal.training.losses import softmax_loss

if TYPE_CHECKING:
    from multimodal.captions.hmemn2n.system import HMemN2N

_JUDGED_AT_ONCE = 2_048


class MemoryLearner(EncoderLearner):
    """Trains the network of a `HMemN2N`; see `multimodal.training.trainer.Learner`.

    Train posts draw on earlier train posts, validation posts on earlier ones of both splits.

    Args:
        system: its `network` is trained.
        train: all train posts.
        validation: all validation posts, at least one with a hashtag.
    """

    def __init__(self, system: HMemN2N, train: Sequence[Post], validation: Sequence[Post]) -> None:
        self.system, self.config = system, system.config
        self._memory = system.new_memory()
        add_in_batches(system, self._memory, train)
        labelled = LabelledCaptions.of(train, system.id_map, self.config.caption_profile)
        rows = [row for row, targets in enumerate(labelled.targets) if targets]
        self._train = labelled.take(rows)
        self._histories = histories(self._memory, [train[row] for row in rows], self.config.history_posts)
        add_in_batches(system, self._memory, validation)
        self._judged = [post for post in validation if post.hashtags]
        self._truth = LabelledCaptions.of(self._judged, system.id_map, self.config.caption_profile)
        self._tokens = TokenCaptions(system.encoder, self._train.captions)
        super().__init__(
            system.network,
            system.encoder,
            self.config.training,
            self.config.layer_decay,
            self.config.seed,
            self._tokens.lengths(),
        )
        # A hashtag that is left out of the rows counts as one that a single post has.
        counts = np.maximum(np.asarray(self._train.multi_hot().sum(0)).ravel(), 1.0)
        system.network.start_from(torch.from_numpy(counts / counts.sum()).float())

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, dict[str, float]]:
        """Return the mean softmax cross-entropy of some train posts, 1/k on each of a post's k hashtags."""
        ids, mask = self._tokens.batch(rows)
        history = torch.from_numpy(words_at(self._memory, self._histories[rows]))
        logits = module(ids.to(self._device), mask.to(self._device), history.to(self._device)).float()
        targets = pad([self._train.targets[row] for row in rows]).to(self._device)
        return softmax_loss(torch.log_softmax(logits, -1), targets).mean(), {}

    def validate(self) -> dict[str, float]:
        """Return F1@K of the means over the validation posts."""
        k = self.config.training.validation_k
        hits = map_processes(
            range(len(self._judged)), lambda rows: self._hits(rows, min(k, self._truth.vocabulary_size))
        )
        return hit_figures(hits, self._truth.truth_sizes, k)

    def _hits(self, rows: Sequence[int], k: int) -> list[int]:
        found: list[int] = []
        for start in range(0, len(rows), _JUDGED_AT_ONCE):
            part = rows[start : start + _JUDGED_AT_ONCE]
            scores = self.system.scores([self._judged[row] for row in part], self._memory)
            named = np.argpartition(-scores, k - 1, axis=1)[:, :k]
            found += [len({*own} & {*self._truth.targets[row]}) for own, row in zip(named.tolist(), part, strict=True)]
        return found
