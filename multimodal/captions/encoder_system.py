"""`EncoderSystem`: the base of Systems around one caption encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from pydantic import Field, field_validator
from torch import nn

from multimodal.captions.system import CaptionSystemConfig
from multimodal.encoders import CaptionEncoder, CaptionEncoderConfig
from multimodal.encoders.storage import save_weights
from multimodal.systems.network import NetworkSystem
from multimodal.training.config import TrainingConfig

ENCODER_FOLDER = "caption_encoder"


def encoder_field(name: str, **values: Any) -> Any:
    """Return the configuration field of the System's own encoder, with its defaults."""
    return Field(default=CaptionEncoderConfig(name=name, **values), description="see `encoder.caption` of DESIGN")


class EncoderSystemConfig(CaptionSystemConfig):
    """Settings of every System around one caption encoder; a subclass gives `encoder` a default by `encoder_field`."""

    encoder: CaptionEncoderConfig = Field(description="the caption encoder, see `encoder.caption` of DESIGN")
    dropout: float = Field(default=0.5, ge=0, lt=1, description="on the encoder's output")
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
        own = cls.model_fields["encoder"].default.name
        name = values.get("name", own)
        if name != own:
            raise ValueError(f"this system has the encoder {own!r}, not {name!r}; leave encoder.name out")
        return {**values, "name": name}


class EncoderSystem(NetworkSystem):
    """A network around one caption encoder, which is its attribute `encoder`."""

    config: EncoderSystemConfig

    @property
    def encoder(self) -> CaptionEncoder:
        """The network's caption encoder."""
        return cast(CaptionEncoder, self.network.encoder)

    def cast_encoders(self, dtype: torch.dtype) -> None:
        """Convert the encoder to `dtype`; the layers behind it stay in fp32."""
        self.encoder.to_dtype(dtype)

    def save_network(self, folder: Path, file: str, layers: nn.Module) -> None:
        """Write the encoder, and the layers behind it to `file`.

        Raises:
            RunError: the encoder is in a lower precision than it was trained in.
        """
        self.require_full_precision()
        self.encoder.save(folder / ENCODER_FOLDER)
        save_weights(folder / file, layers)
