"""`NeuralCaptionSystem`: a caption encoder with a linear layer on top, trained to predict hashtags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from multimodal.captions.encoder_system import ENCODER_FOLDER, EncoderSystem
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.neural.classifier import CaptionClassifier
from multimodal.captions.neural.config import NeuralCaptionConfig
from multimodal.captions.neural.learner import CaptionLearner
from multimodal.captions.system import CaptionSystem
from multimodal.encoders import CaptionEncoder, build_caption_encoder, load_caption_encoder
from multimodal.encoders.features.inputs import TokenCaptions
from multimodal.encoders.storage import load_weights

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder

_HEAD_FILE = "classifier.safetensors"
_BATCH = 256


class NeuralCaptionSystem(EncoderSystem, CaptionSystem):
    """A text-only classifier; DESIGN can reuse its encoder with `encoder.caption.pretrained=RUN`."""

    config: NeuralCaptionConfig
    network: CaptionClassifier

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Train the network; see `CaptionSystem.learn`."""
        torch.manual_seed(self.config.seed)
        self._build(build_caption_encoder(self.config.encoder, train.captions, "encoder"))
        learner = CaptionLearner(self.network, self.config, train, validation, self.scores_or_prior)
        self.train(learner, self.config.training, run)

    def _build(self, encoder: CaptionEncoder) -> None:
        config = self.config
        self.network = CaptionClassifier(encoder, self.id_map.vocabulary_size, config.dropout, config.hidden)

    def can_score(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions have a word that the encoder knows, (B,)."""
        return self.network.encoder.knows(captions)

    @torch.no_grad()
    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability of each hashtag, (B, V)."""
        self.network.eval()
        tokens = TokenCaptions(self.network.encoder, captions)
        order = np.argsort(tokens.lengths(), kind="stable")
        result = np.empty((len(captions), self.network.output.out_features))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            ids, mask = tokens.batch(rows.tolist())
            logits = self.network(ids.to(self.device), mask.to(self.device)).double()
            probabilities = logits.softmax(-1) if self.config.loss == "softmax_1_over_k" else logits.sigmoid()
            result[rows] = probabilities.cpu().numpy()
        return result

    def save_learned(self, folder: Path) -> None:
        """Write the encoder and the layers behind it; see `EncoderSystem.save_network`."""
        self.save_network(folder, _HEAD_FILE, self.network.head())

    def load_learned(self, folder: Path) -> None:
        """Restore the encoder and the layers behind it, in evaluation mode."""
        self._build(load_caption_encoder(folder / ENCODER_FOLDER))
        load_weights(folder / _HEAD_FILE, self.network.head())
        self.network.eval()
