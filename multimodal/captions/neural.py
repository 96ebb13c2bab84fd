"""`NeuralCaptionSystem`: a caption encoder with a linear layer on top, trained to name hashtags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator

from data_loaders.errors import RunError
from multimodal.captions.classifier import CaptionClassifier
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.learner import CaptionLearner
from multimodal.captions.system import CaptionSystem, CaptionSystemConfig
from multimodal.distributed import is_main_process
from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder, load_caption_encoder
from multimodal.encoders.storage import load_weights, save_weights
from multimodal.inputs import TokenCaptions
from multimodal.systems import Precision
from multimodal.training import Trainer
from multimodal.training_config import TrainingConfig

if TYPE_CHECKING:
    from multimodal.run_folder import RunFolder

_ENCODER, _OUTPUT_FILE = "caption_encoder", "classifier.safetensors"
_RANKING_BATCH = 256


class NeuralCaptionConfig(CaptionSystemConfig):
    """What every neural text-only model's configuration holds."""

    encoder_name: ClassVar[str]

    encoder: CaptionEncoderConfig = Field(description="the caption encoder, see `encoder.caption` of DESIGN")
    loss: Literal["idf_bce", "bce", "softmax_1_over_k"] = Field(
        default="idf_bce", description="bce; idf_bce: presence weighed by ln(N / n); or softmax with targets 1/k"
    )
    dropout: float = Field(default=0.5, ge=0, lt=1, description="on the caption's vector")
    layer_decay: float = Field(
        default=1.0, gt=0, le=1, description="learning rate of an encoder layer over that of the next one"
    )
    training: TrainingConfig = TrainingConfig()

    @field_validator("encoder", mode="before")
    @classmethod
    def _own_encoder(cls, values: Any) -> Any:
        if isinstance(values, CaptionEncoderConfig):
            values = values.model_dump(exclude_unset=True)
        if not isinstance(values, dict):
            return values
        name = values.get("name", cls.encoder_name)
        if name != cls.encoder_name:
            raise ValueError(f"this system has the encoder {cls.encoder_name!r}, not {name!r}; leave encoder.name out")
        return {**values, "name": name}


class NeuralCaptionSystem(CaptionSystem):
    """An encoder of the caption branch alone; DESIGN takes it over with `encoder.caption.pretrained=RUN`."""

    config: NeuralCaptionConfig
    network: CaptionClassifier
    precision: Precision = "fp32"

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.network.output.weight.device

    def use_precision(self, precision: Precision) -> None:
        """Hold and run the encoder in `precision`.

        Raises:
            RunError: it was cut down to bf16 before, and what was cut is gone.
        """
        if precision == self.precision:
            return
        if precision == "fp32":
            raise RunError("the encoder is held in bf16; load the model again for precision='fp32'.")
        self.network.encoder.hold_in(torch.bfloat16)
        self.precision = precision

    def use_device(self, device: torch.device) -> None:
        """Hold the network on this device."""
        self.network.to(device)

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Train the network; see `CaptionSystem.learn`."""
        torch.manual_seed(self.config.seed)
        encoder = build_caption_encoder(self.config.encoder, train.captions)
        self.network = CaptionClassifier(encoder, train.vocabulary_size, self.config.dropout)
        learner = CaptionLearner(self, train, validation)
        state = Trainer(learner, self.config.training, run, self.config.seed).fit()
        self.network.eval()
        if is_main_process():
            run.log({"event": "trained", "best_epoch": state.best_epoch, "seconds": state.seconds})

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
        """Write the encoder and the output layer.

        Raises:
            RunError: the encoder is held in less precision than it was trained in.
        """
        if self.precision != "fp32":
            raise RunError(
                f"the encoder is held in {self.precision}, which is less than was trained; to save the model, load it "
                "with precision='fp32'."
            )
        self.network.encoder.save(folder / _ENCODER)
        save_weights(folder / _OUTPUT_FILE, self.network.output)

    def load_learned(self, folder: Path) -> None:
        """Read the encoder and the output layer, in evaluation mode."""
        encoder = load_caption_encoder(folder / _ENCODER)
        self.network = CaptionClassifier(encoder, self.catalogue.vocabulary_size, self.config.dropout)
        load_weights(folder / _OUTPUT_FILE, self.network.output)
        self.network.eval()
