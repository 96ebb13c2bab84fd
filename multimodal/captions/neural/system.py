"""`NeuralCaptionSystem`: a caption encoder with a linear layer on top, trained to predict hashtags."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from multimodal.captions.encoder_system import EncoderSystem
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.neural.classifier import CaptionClassifier
from multimodal.captions.neural.config import NeuralCaptionConfig
from multimodal.captions.neural.learner import CaptionLearner
from multimodal.captions.system import CaptionSystem
from multimodal.encoders import CaptionEncoder, build_caption_encoder
from multimodal.storage.run_folder import RunFolder


class NeuralCaptionSystem(EncoderSystem, CaptionSystem):
    """A text-only classifier; DESIGN can reuse its encoder with `encoder.caption.pretrained=RUN`."""

    config: NeuralCaptionConfig
    network: CaptionClassifier
    layers_file = "classifier.safetensors"
    scores_are_chances = True

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Train the network; see `CaptionSystem.learn`."""
        torch.manual_seed(self.config.seed)
        self.build(build_caption_encoder(self.config.encoder, train.captions, "encoder"))
        learner = CaptionLearner(self.network, self.config, train, validation, self.scores_or_prior)
        self.train(learner, self.config.training, run)

    def build(self, encoder: CaptionEncoder) -> None:
        """Set a new classifier."""
        config = self.config
        self.network = CaptionClassifier(encoder, self.id_map.vocabulary_size, config.dropout, config.hidden)

    def can_score(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions have a word that the encoder knows, (B,)."""
        return self.network.encoder.knows(captions)

    @torch.no_grad()
    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability of each hashtag, (B, V)."""
        self.network.eval()
        result = np.empty((len(captions), self.network.output.out_features))
        for rows, ids, mask in self.token_batches(captions):
            logits = self.network(ids, mask).double()
            probabilities = logits.softmax(-1) if self.config.loss == "softmax_1_over_k" else logits.sigmoid()
            result[rows] = probabilities.cpu().numpy()
        return result
