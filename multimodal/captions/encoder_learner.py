"""`EncoderLearner`: what the learners of all networks around a caption encoder share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data_loaders.batches import bucketed_batches
from multimodal.encoders import CaptionEncoder
from multimodal.training.config import TrainingConfig


class EncoderLearner(ABC):
    """Parameter groups, batches and weights; a subclass gives `loss` and `validate`. See `training.Learner`.

    Args:
        module: the network; its caption encoder is its attribute `encoder`.
        encoder: that encoder.
        training: how it is trained.
        layer_decay: learning rate of an encoder layer over that of the next one.
        seed: chooses the order of the posts.
        lengths: (N,) tokens of each train post's caption.
    """

    def __init__(
        self,
        module: nn.Module,
        encoder: CaptionEncoder,
        training: TrainingConfig,
        layer_decay: float,
        seed: int,
        lengths: NDArray[np.int64],
    ) -> None:
        self.module = module
        self._encoder, self._training, self._layer_decay, self._seed = encoder, training, layer_decay, seed
        self._lengths = lengths
        self._device = torch.device("cpu")

    @abstractmethod
    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, dict[str, float]]:
        """Return the mean loss of some train posts."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Return the validation scores."""

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return groups with and without weight decay; the rate falls by `layer_decay` from layer to layer down."""
        training, encoder = self._training, self._encoder
        own = encoder.config.learning_rate or (
            training.learning_rate if encoder.config.from_scratch else training.encoder_learning_rate
        )
        layers = encoder.layers()
        depth = {id(parameter): len(layers) - 1 - place for place, layer in enumerate(layers) for parameter in layer}
        inside = {id(parameter) for parameter in encoder.parameters()}
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for parameter in self.module.parameters():
            if not parameter.requires_grad:
                continue
            rate = training.learning_rate
            if id(parameter) in inside:
                # What comes before the first layer, such as word vectors, is one deeper than it.
                rate = own * self._layer_decay ** depth.get(id(parameter), len(layers))
            decay = training.weight_decay if parameter.dim() > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
        return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]

    def batches(self, epoch: int) -> list[list[int]]:
        """Return the rows of each batch of an epoch, captions of similar length together."""
        return bucketed_batches(self._lengths, self._training.batch_size, self._seed, epoch)

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Take note of the device."""
        self._device = device

    def tensors(self) -> dict[str, Tensor]:
        """Return nothing: an epoch is told by its number."""
        return {}

    def load_tensors(self, tensors: dict[str, Tensor], device: torch.device) -> None:
        """Take note of the device."""
        self.start_epoch(0, device)

    def weights(self) -> dict[str, Tensor]:
        """Return what is learned: everything but a frozen encoder."""
        frozen = self._encoder.frozen
        state = self.module.state_dict()
        return {key: value for key, value in state.items() if not (frozen and key.startswith("encoder."))}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take back what `weights` gave."""
        self.module.load_state_dict({**self.module.state_dict(), **weights})
