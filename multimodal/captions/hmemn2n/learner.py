"""`MemoryLearner`: how a memory network learns and is validated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data_loaders.batches import pad
from multimodal.captions.encoder_learner import EncoderLearner
from multimodal.captions.encoder_system import EncoderSystemConfig
from multimodal.captions.hmemn2n.network import MemoryNetwork
from multimodal.captions.hmemn2n.remembered_words import words_at
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.validation import validate_scores
from multimodal.encoders.features.inputs import TokenCaptions
from multimodal.memory.post_memory import PostMemory
from multimodal.training.hashtag_losses import HashtagLesson
from multimodal.training.large_vocabulary import LARGE_VOCABULARY
from multimodal.training.losses import softmax_loss


class MemoryLearner(EncoderLearner):
    """Trains a `MemoryNetwork`.

    Args:
        network: is trained.
        config: how.
        train: posts with a hashtag of the vocabulary.
        histories: (N, H) positions in the memory of the earlier posts that each train post may read, -1 for none.
        memory: has the words of the posts.
        validation: posts with a hashtag.
        score_rows: rows of the validation posts → what the System scores them with the network as it is, (B, V).
    """

    def __init__(
        self,
        network: MemoryNetwork,
        config: EncoderSystemConfig,
        train: LabelledCaptions,
        histories: NDArray[np.int64],
        memory: PostMemory,
        validation: LabelledCaptions,
        score_rows: Callable[[Sequence[int]], NDArray[np.float64]],
    ) -> None:
        self._train, self.histories, self._memory = train, histories, memory
        self._validation, self._score_rows = validation, score_rows
        self._tokens = TokenCaptions(network.encoder, train.captions)
        super().__init__(network, config, self._tokens.lengths())
        # A hashtag that no train post carries counts as if one post did.
        counts = np.maximum(np.asarray(train.multi_hot().sum(0)).ravel(), 1.0)
        network.start_from(torch.from_numpy(counts / counts.sum()).float())

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, dict[str, float]]:
        """Return the mean softmax cross-entropy of some train posts, 1/k on each of a post's k hashtags."""
        ids, mask = self._tokens.batch(rows)
        history = torch.from_numpy(words_at(self._memory, self.histories[rows]))
        arguments = (ids.to(self.device), mask.to(self.device), history.to(self.device))
        targets = pad([self._train.targets[row] for row in rows]).to(self.device)
        if self._train.vocabulary_size >= LARGE_VOCABULARY:
            return module(*arguments, HashtagLesson(targets)).mean(), {}
        logits = module(*arguments).float()
        return softmax_loss(torch.log_softmax(logits, -1), targets).mean(), {}

    def validate(self) -> dict[str, float]:
        """Return F1@K of the means over the validation posts."""
        return validate_scores(self._score_rows, self._validation, self.training.validation_k)
