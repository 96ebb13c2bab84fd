"""`EncoderSystem`: what all Systems around one caption encoder share."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import torch
from pydantic import Field, field_validator
from torch import nn

from data_loaders.errors import RunError
from multimodal.captions.system import CaptionSystemConfig
from multimodal.encoders import CaptionEncoder, CaptionEncoderConfig
from multimodal.systems import Precision, System
from multimodal.training_config import TrainingConfig


class EncoderSystemConfig(CaptionSystemConfig):
    """What the configuration of every System around one caption encoder holds."""

    encoder_name: ClassVar[str]

    encoder: CaptionEncoderConfig = Field(description="the caption encoder, see `encoder.caption` of DESIGN")
    dropout: float = Field(default=0.5, ge=0, lt=1, description="on what the encoder gives")
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


class EncoderSystem(System):
    """A network around one caption encoder: where it is held, and in which precision.

    Attributes:
        network: has the encoder as its attribute `encoder`; set by `fit` and `load`.
    """

    network: nn.Module
    precision: Precision = "fp32"

    @property
    def encoder(self) -> CaptionEncoder:
        """The network's caption encoder."""
        return cast(CaptionEncoder, self.network.encoder)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def use_precision(self, precision: Precision) -> None:
        """Hold and run the encoder in `precision`.

        Raises:
            RunError: it was cut down to bf16 before, and what was cut is gone.
        """
        if precision == self.precision:
            return
        if precision == "fp32":
            raise RunError("the encoder is held in bf16; load the model again for precision='fp32'.")
        self.encoder.hold_in(torch.bfloat16)
        self.precision = precision

    def use_device(self, device: torch.device) -> None:
        """Hold the network on this device."""
        self.network.to(device)

    def refuse_cut_weights(self) -> None:
        """Refuse to save weights that were cut down.

        Raises:
            RunError: the encoder is held in less precision than it was trained in.
        """
        if self.precision != "fp32":
            raise RunError(
                f"the encoder is held in {self.precision}, which is less than was trained; to save the model, load it "
                "with precision='fp32'."
            )
