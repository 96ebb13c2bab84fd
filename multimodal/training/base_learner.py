"""`BaseLearner`: what the learners of all networks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data_loaders.batches import bucketed_batches
from multimodal.distributed.sharding import placed
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.training.config import TrainingConfig

# Parts of a loss by name; a GPU may still be computing them.
Losses = Mapping[str, "Tensor | float"]


class BaseLearner(ABC):
    """What a `Trainer` trains; a subclass implements `loss` and `validate`.

    Attributes:
        frozen: prefixes of the names of weights that are not learned.
        device: where batches go; set at the start of an epoch.
        window_batches: batches whose captions are sorted by length together; 1 for no sorting.

    Args:
        module: the network.
        training: how it is trained.
        seed: determines the order of the posts.
        lengths: (N,) tokens of each train post's caption.
    """

    frozen: tuple[str, ...] = ()
    window_batches: int = 50

    def __init__(self, module: nn.Module, training: TrainingConfig, seed: int, lengths: NDArray[np.int64]) -> None:
        self.module, self.training, self.seed = module, training, seed
        self._lengths = lengths
        self.device = torch.device("cpu")

    @abstractmethod
    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, Losses]:
        """Return the mean loss of some train posts, and parts of it to log.

        Args:
            module: the network, which may be wrapped.
            rows: of train posts.
            epoch: the current one.
        """

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Return the validation scores; "score" selects the model, larger is better."""

    def compiled(self) -> nn.Module:
        """Return a module that computes what `module` does, with its weights, compiled for training."""
        compiled: Any = torch.compile(self.module, dynamic=True)
        return cast("nn.Module", compiled)

    def learning_rate(self, name: str, parameter: nn.Parameter) -> float:
        """Return the learning rate of a parameter."""
        return self.training.learning_rate

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return a group for each learning rate, with and without weight decay, which matrices alone have."""
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in self.module.named_parameters():
            if parameter.requires_grad:
                decay = self.training.weight_decay if parameter.dim() > 1 else 0.0
                groups.setdefault((self.learning_rate(name, parameter), decay), []).append(parameter)
        return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]

    def batches(self, epoch: int) -> list[list[int]]:
        """Return the rows of each batch, captions of similar length together; depends on the epoch only."""
        size, window = self.training.batch_size, self.window_batches
        return bucketed_batches(self._lengths, size, self.seed, epoch, window_batches=window)

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Prepare an epoch and the `validate` after it: set the device."""
        self.device = device

    def tensors(self) -> dict[str, Tensor]:
        """Return what a resumed epoch needs besides the weights: nothing, its number determines it."""
        return {}

    def load_tensors(self, tensors: dict[str, Tensor], device: torch.device) -> None:
        """Set the device of an epoch that is resumed."""
        self.start_epoch(0, device)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights and buffers that are not frozen."""
        return {key: value for key, value in self.module.state_dict().items() if not key.startswith(self.frozen)}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Restore what `weights` returned."""
        own = self.module.state_dict()
        self.module.load_state_dict({**own, **{name: placed(value, own[name]) for name, value in weights.items()}})


def encoder_rate(encoder: CaptionEncoder | ImageEncoder, training: TrainingConfig) -> float:
    """Return an encoder's own learning rate, or the one for encoders from scratch or for pretrained ones."""
    default = training.learning_rate if encoder.config.from_scratch else training.encoder_learning_rate
    return encoder.config.learning_rate or default
