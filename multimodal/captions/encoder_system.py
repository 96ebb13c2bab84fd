"""`EncoderSystem`: the base of Systems around one caption encoder."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from multimodal.captions.system import CaptionSystemConfig
from multimodal.config import Choice, Range, SearchSpace
from multimodal.encoders import CaptionEncoder, CaptionEncoderConfig, load_caption_encoder, missing_weights
from multimodal.encoders.base import Encoder
from multimodal.encoders.features.inputs import TokenCaptions
from multimodal.encoders.storage import load_module, save_weights
from multimodal.systems.network import NetworkSystem
from multimodal.training.config import TrainingConfig

_ENCODER = "caption_encoder"


def encoder_field(name: str, **values: Any) -> Any:
    """Return the configuration field of the System's own encoder, with its defaults."""
    return Field(default=CaptionEncoderConfig(name=name, **values), description="see `encoder.caption` of DESIGN")


class EncoderSystemConfig(CaptionSystemConfig):
    """Settings of every System around one caption encoder; a subclass gives `encoder` a default by `encoder_field`."""

    search_space: ClassVar[SearchSpace] = {
        "training.learning_rate": Range(3e-4, 1e-2, log=True),
        "training.batch_size": Choice((32, 64, 128)),
        "dropout": Range(0.0, 0.6),
    }
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
    """A network around one caption encoder, which is its attribute `encoder`; a subclass implements `build`.

    Attributes:
        layers_file: where the layers behind the encoder are saved.
    """

    config: EncoderSystemConfig
    layers_file: ClassVar[str]

    @abstractmethod
    def build(self, encoder: CaptionEncoder) -> None:
        """Set `network`, with new layers behind an encoder."""

    def missing_weights(self) -> list[str]:
        """Return what is wrong with the encoder's weights; see `System.missing_weights`."""
        return missing_weights(self.config.encoder, section="encoder")

    def layers(self) -> nn.Module:
        """Return the layers behind the encoder, to save and load: all other parts of the network."""
        return nn.ModuleDict({name: part for name, part in self.network.named_children() if name != "encoder"})

    @property
    def encoder(self) -> CaptionEncoder:
        """The network's caption encoder."""
        return cast(CaptionEncoder, self.network.encoder)

    def encoders(self) -> list[Encoder]:
        """Return the caption encoder."""
        return [self.encoder]

    def cast_encoders(self, dtype: torch.dtype) -> None:
        """Convert the encoder to `dtype`; the layers behind it stay in fp32."""
        self.encoder.to_dtype(dtype)

    def token_batches(self, captions: Sequence[str], size: int = 256) -> Iterator[tuple[list[int], Tensor, Tensor]]:
        """Yield rows of cleaned captions, their token ids (B, T) and mask (B, T); similar lengths together."""
        tokens = TokenCaptions(self.encoder, captions)
        order = np.argsort(tokens.lengths(), kind="stable")
        for start in range(0, len(order), size):
            rows = order[start : start + size].tolist()
            ids, mask = tokens.batch(rows)
            yield rows, ids.to(self.device), mask.to(self.device)

    def save_learned(self, folder: Path) -> None:
        """Write the encoder and the layers behind it.

        Raises:
            RunError: the encoder is in a lower precision than it was trained in.
        """
        self.require_full_precision()
        self.encoder.save(folder / _ENCODER)
        save_weights(folder / self.layers_file, self.layers())

    def load_learned(self, folder: Path) -> None:
        """Restore the encoder and the layers behind it, in evaluation mode."""
        encoder = load_caption_encoder(folder / _ENCODER)

        def make() -> nn.Module:
            self.build(encoder)
            return self.layers()

        load_module(folder / self.layers_file, make)
        self.network.eval()
