"""`NeuralCaptionSystem`: a caption encoder with a linear layer on top, trained to name hashtags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from multimodal.captions.encoder_system import EncoderSystem, EncoderSystemConfig
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.neural.classifier import CaptionClassifier
from multimodal.captions.neural.learner import CaptionLearner
from multimodal.captions.system import CaptionSystem
from multimodal.distributed.processes import is_main_process
from multimodal.encoders import CaptionEncoder, build_caption_encoder, load_caption_encoder
from multimodal.encoders.features.inputs import TokenCaptions
from multimodal.encoders.storage import load_weights, save_weights
from multimodal.training.trainer import Trainer

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder

_ENCODER, _HEAD_FILE = "caption_encoder", "classifier.safetensors"
_RANKING_BATCH = 256


class NeuralCaptionConfig(EncoderSystemConfig):
    """What every neural text-only model's configuration holds."""

    loss: Literal["idf_bce", "bce", "softmax_1_over_k"] = Field(
        default="idf_bce", description="bce; idf_bce: presence weighed by ln(N / n); or softmax with targets 1/k"
    )
    hidden: int | None = Field(
        default=None, ge=1, description="width of a tanh layer between the caption's vector and the output; null: none"
    )


class NeuralCaptionSystem(EncoderSystem, CaptionSystem):
    """An encoder of the caption branch alone; DESIGN takes it over with `encoder.caption.pretrained=RUN`."""

    config: NeuralCaptionConfig
    network: CaptionClassifier

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Train the network; see `CaptionSystem.learn`."""
        torch.manual_seed(self.config.seed)
        encoder = build_caption_encoder(self.config.encoder, train.captions, "encoder")
        self.network = self._network(encoder, train.vocabulary_size)
        learner = CaptionLearner(self, train, validation)
        state = Trainer(learner, self.config.training, run, self.config.seed).fit()
        self.network.eval()
        if is_main_process():
            run.log({"event": "trained", "best_epoch": state.best_epoch, "seconds": state.seconds})

    def _network(self, encoder: CaptionEncoder, vocabulary_size: int) -> CaptionClassifier:
        return CaptionClassifier(encoder, vocabulary_size, self.config.dropout, self.config.hidden)

    def judges(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions hold a word that the encoder knows."""
        return self.network.encoder.knows(captions)

    @torch.no_grad()
    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability of each hashtag, (B, V)."""
        self.network.eval()
        tokens = TokenCaptions(self.network.encoder, captions)
        order = np.argsort(tokens.lengths(), kind="stable")
        result = np.empty((len(captions), self.network.output.out_features))
        for start in range(0, len(order), _RANKING_BATCH):
            rows = order[start : start + _RANKING_BATCH]
            ids, mask = tokens.batch(rows.tolist())
            logits = self.network(ids.to(self.device), mask.to(self.device)).double()
            chances = logits.softmax(-1) if self.config.loss == "softmax_1_over_k" else logits.sigmoid()
            result[rows] = chances.cpu().numpy()
        return result

    def save_learned(self, folder: Path) -> None:
        """Write the encoder and the layers behind it.

        Raises:
            RunError: the encoder is held in less precision than it was trained in.
        """
        self.require_full_precision()
        self.network.encoder.save(folder / _ENCODER)
        save_weights(folder / _HEAD_FILE, self.network.head())

    def load_learned(self, folder: Path) -> None:
        """Read the encoder and the layers behind it, in evaluation mode."""
        encoder = load_caption_encoder(folder / _ENCODER)
        self.network = self._network(encoder, self.id_map.vocabulary_size)
        load_weights(folder / _HEAD_FILE, self.network.head())
        self.network.eval()
