"""`NetworkSystem`: the base of Systems around a torch network: training, device and precision."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from data_loaders.errors import RunError
from multimodal.systems.base import Precision, System
from multimodal.training.config import TrainingConfig

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder
    from multimodal.training.base_learner import BaseLearner
    from multimodal.training.trainer import TrainingState


class NetworkSystem(System):
    """A System whose answers come from a network.

    Attributes:
        network: set by `fit` and `load`.
        precision: of the encoders' weights.
    """

    network: nn.Module
    precision: Precision = "fp32"

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return next(self.network.parameters()).device

    def train(self, learner: BaseLearner, training: TrainingConfig, run: RunFolder, **facts: Any) -> TrainingState:
        """Train the network, log the end of it and leave the network in evaluation mode.

        Args:
            learner: trains `network`.
            training: how to train.
            run: where metrics and checkpoints go.
            facts: what else to log at the end.
        """
        from multimodal.training.trainer import Trainer

        state = Trainer(learner, training, run, self.config.seed).fit()
        self.network.eval()
        run.log({"event": "trained", "best_epoch": state.best_epoch, "seconds": state.seconds, **facts})
        return state

    @abstractmethod
    def cast_encoders(self, dtype: torch.dtype) -> None:
        """Convert the parts that lose little in lower precision to `dtype`."""

    def use_precision(self, precision: Precision) -> None:
        """Convert the parts that `cast_encoders` converts to `precision`; the rest stays in fp32.

        Raises:
            RunError: the model is already in bf16, and the lost bits cannot be restored.
        """
        if precision == self.precision:
            return
        if precision == "fp32":
            raise RunError("the encoder is in bf16; load the model again with precision='fp32'.")
        self.cast_encoders(torch.bfloat16)
        self.precision = precision

    def use_device(self, device: torch.device) -> None:
        """Move the network to this device; inputs and outputs stay where they are."""
        self.network.to(device)

    def require_full_precision(self) -> None:
        """Refuse to save weights of reduced precision.

        Raises:
            RunError: the model is in a lower precision than it was trained in.
        """
        if self.precision != "fp32":
            raise RunError(
                f"the encoder is in {self.precision}, a lower precision than it was trained in; to save the model, "
                "load it with precision='fp32'."
            )
