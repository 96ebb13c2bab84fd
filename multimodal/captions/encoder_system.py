"""`EncoderSystem`: what all Systems around one caption encoder share."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import torch
from pydantic import Field, field_validator

from multimodal.captions.system import CaptionSystemConfig
from multimodal.encoders import CaptionEncoder, CaptionEncoderConfig
from multimodal.systems.network import NetworkSystem
from multimodal.training.config import TrainingConfig


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


class EncoderSystem(NetworkSystem):
    """A network around one caption encoder, which is its attribute `encoder`."""

    @property
    def encoder(self) -> CaptionEncoder:
        """The network's caption encoder."""
        return cast(CaptionEncoder, self.network.encoder)

    def cast_encoders(self, dtype: torch.dtype) -> None:
        """Hold and run the encoder in `dtype`; what is behind it stays in fp32."""
        self.encoder.to_dtype(dtype)
