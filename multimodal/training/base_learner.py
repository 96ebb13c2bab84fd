"""`BaseLearner`: what the learners of all networks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data_loaders.batches import bucketed_batches
from multimodal.training.config import TrainingConfig


class BaseLearner(ABC):
    """Parameter groups, batches and weights; a subclass implements `loss` and `validate`. See `trainer.Learner`.

    Attributes:
        frozen: prefixes of the names of weights that are not learned.
        device: where batches go; set at the start of an epoch.

    Args:
        module: the network.
        training: how it is trained.
        seed: determines the order of the posts.
        lengths: (N,) tokens of each train post's caption.
    """

    frozen: tuple[str, ...] = ()

    def __init__(self, module: nn.Module, training: TrainingConfig, seed: int, lengths: NDArray[np.int64]) -> None:
        self.module, self.training, self.seed = module, training, seed
        self._lengths = lengths
        self.device = torch.device("cpu")

    @abstractmethod
    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, dict[str, float]]:
        """Return the mean loss of some train posts, and parts of it to log."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Return the validation scores; "score" selects the model."""

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
        """Return the rows of each batch of an epoch, captions of similar length together."""
        return bucketed_batches(self._lengths, self.training.batch_size, self.seed, epoch)

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Set the device."""
        self.device = device

    def tensors(self) -> dict[str, Tensor]:
        """Return an empty dictionary: the number of an epoch determines it."""
        return {}

    def load_tensors(self, tensors: dict[str, Tensor], device: torch.device) -> None:
        """Set the device of an epoch that is resumed."""
        self.start_epoch(0, device)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights and buffers that are not frozen."""
        return {key: value for key, value in self.module.state_dict().items() if not key.startswith(self.frozen)}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Restore what `weights` returned."""
        self.module.load_state_dict({**self.module.state_dict(), **weights})
