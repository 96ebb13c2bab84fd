"""`NetworkSystem`: what all Systems around a torch network share, where it is held and in which precision."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import nn

from data_loaders.errors import RunError
from multimodal.systems.base import Precision, System


class NetworkSystem(System):
    """A System whose answers come from a network.

    Attributes:
        network: set by `fit` and `load`.
        precision: in which the parts that may be cut down are held.
    """

    network: nn.Module
    precision: Precision = "fp32"

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @abstractmethod
    def cast_encoders(self, dtype: torch.dtype) -> None:
        """Hold and run in `dtype` what loses little by it."""

    def use_precision(self, precision: Precision) -> None:
        """Hold and run in `precision` what `cast_encoders` cuts; the rest stays in fp32.

        Raises:
            RunError: it was cut down to bf16 before, and what was cut is gone.
        """
        if precision == self.precision:
            return
        if precision == "fp32":
            raise RunError("the encoder is held in bf16; load the model again for precision='fp32'.")
        self.cast_encoders(torch.bfloat16)
        self.precision = precision

    def use_device(self, device: torch.device) -> None:
        """Hold the network on this device; what comes in and goes out stays where it is."""
        self.network.to(device)

    def require_full_precision(self) -> None:
        """Refuse to save weights that were cut down.

        Raises:
            RunError: the model is held in less precision than it was trained in.
        """
        if self.precision != "fp32":
            raise RunError(
                f"the encoder is held in {self.precision}, which is less than was trained; to save the model, load it "
                "with precision='fp32'."
            )
