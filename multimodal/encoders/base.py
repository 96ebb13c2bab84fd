"""`CaptionEncoder` and `ImageEncoder`: what every encoder can do.

Shapes: B posts, T tokens, P patches (regions), C width, S side of the picture in pixels.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from multimodal.encoders.configuration import CaptionEncoderConfig, ImageEncoderConfig
from multimodal.encoders.preprocessing import Augmentation, ImagePreprocessing

EncoderType = TypeVar("EncoderType", bound="Encoder")


class Encoder(nn.Module, ABC):
    """A network whose parts may be frozen: those stay in evaluation mode and never change.

    Attributes:
        width: C, the width of the vectors it gives.
        default_learning_rate: its own learning rate; None for that of the training.
    """

    width: int
    default_learning_rate: float | None

    @abstractmethod
    def layers(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each layer, from input to output; what comes before the first is left out."""

    @abstractmethod
    def architecture(self) -> dict[str, Any]:
        """Return, as JSON values, everything but the weights that the output depends on."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write weights, configuration and preprocessing: the folder alone is enough to load, also when moved.

        Raises:
            RunError: the folder cannot be written.
        """

    @property
    def frozen(self) -> bool:
        """Whether nothing in the encoder is trained, so that its output can be kept."""
        return not any(parameter.requires_grad for parameter in self.parameters())

    def train(self: EncoderType, mode: bool = True) -> EncoderType:
        """Set the training mode of the parts that are trained; frozen parts stay in evaluation mode."""
        super().train(mode)
        if mode:
            for module in self.modules():
                parameters = list(module.parameters())
                if parameters and not any(parameter.requires_grad for parameter in parameters):
                    nn.Module.train(module, False)
        return self

    def to_dtype(self, dtype: torch.dtype) -> None:
        """Hold the weights in another type, to answer and not to train; pixels are normalised as before."""
        for module in self.children():
            module.to(dtype)

    def fingerprint(self) -> str:
        """Return a hash of architecture, preprocessing and weights: equal fingerprints give equal features."""
        digest = hashlib.sha256(type(self).__name__.encode())
        digest.update(json.dumps(self.architecture(), sort_keys=True, ensure_ascii=True).encode())
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(memoryview(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()))
        return digest.hexdigest()


class CaptionEncoder(Encoder):
    """Turns captions into one vector per token.

    Attributes:
        config_type: its schema.
        config: what it was built from.
        maximum_tokens: longer captions are cut to this many tokens.
        pad_id: the token id that fills up a batch.
    """

    config_type: ClassVar[type[CaptionEncoderConfig]]
    config: CaptionEncoderConfig
    maximum_tokens: int
    pad_id: int

    @classmethod
    @abstractmethod
    def build(cls, config: CaptionEncoderConfig, train_captions: Iterable[str]) -> CaptionEncoder:
        """Make an encoder; see `build_caption_encoder`."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> CaptionEncoder:
        """Read what `save` wrote, without any network, in evaluation mode."""

    @abstractmethod
    def tokenise(self, captions: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return token ids of each caption, 1 to `maximum_tokens` of them; any text is accepted, also an empty one."""

    @abstractmethod
    def encode_tokens(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return vectors (B, T, C) of token ids (B, T); every row of the mask (B, T) has a true entry."""

    def forward(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return one vector per token, zero at padding; padding and batch mates never change the rest.

        Args:
            token_ids: (B, T) integers.
            mask: (B, T) booleans, true where a token is; a row may be all false.
        """
        first = torch.zeros_like(mask)
        first[:, :1] = True
        safe = mask | (first & ~mask.any(dim=1, keepdim=True))  # attention over nothing is not a number
        return self.encode_tokens(token_ids, safe).masked_fill(~mask.unsqueeze(-1), 0.0)

    def pool(self, words: Tensor, mask: Tensor) -> Tensor:
        """Return one vector per caption, (B, C), from what `forward` gave: here the mean over its tokens.

        Args:
            words: (B, T, C), zero at padding.
            mask: (B, T); a row without tokens gives zeros.
        """
        return words.sum(1) / mask.sum(1, keepdim=True).clamp(min=1).to(words.dtype)

    def knows(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions hold anything that the encoder tells from nothing, (B,)."""
        return np.array([bool(caption.strip()) for caption in captions], np.bool_)

    def pad(self, token_ids: Sequence[NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
        """Return token lists as one batch: ids (B, T), mask (B, T), T the longest."""
        lengths = np.asarray([len(ids) for ids in token_ids], dtype=np.int64)
        mask = np.arange(int(lengths.max(initial=1))) < lengths[:, None]
        batch = np.full(mask.shape, self.pad_id, dtype=np.int64)
        if len(token_ids):
            batch[mask] = np.concatenate(token_ids)
        return torch.from_numpy(batch), torch.from_numpy(mask)


class ImageEncoder(Encoder):
    """Turns pictures into one vector per region.

    Attributes:
        config: what it was built from.
        patches: P, the number of regions of a picture.
        preprocessing: what is done to a picture before `forward`; kept with the weights.
    """

    config: ImageEncoderConfig
    patches: int
    preprocessing: ImagePreprocessing
    mean: Tensor
    std: Tensor

    @classmethod
    @abstractmethod
    def build(cls, config: ImageEncoderConfig) -> ImageEncoder:
        """Make an encoder; see `build_image_encoder`."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> ImageEncoder:
        """Read what `save` wrote, without any network, in evaluation mode."""

    @abstractmethod
    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Return vectors (B, P, C) of normalised pictures (B, 3, S, S)."""

    def forward(self, pixels: Tensor) -> Tensor:
        """Return one vector per region, (B, P, C).

        Args:
            pixels: (B, 3, S, S), what `preprocessing` gives: bytes 0 to 255, or floating point in [0, 1].
        """
        scaled = pixels.to(self.mean.dtype)
        if not pixels.is_floating_point():
            scaled = scaled / 255
        return self.encode_pixels(((scaled - self.mean) / self.std).to(next(self.parameters()).dtype))

    @property
    def augmentation(self) -> Augmentation | None:
        """Random crops and mirror images for training; None where switched off."""
        return Augmentation(self.preprocessing.size_px) if self.config.augmentation else None

    def _set_preprocessing(self, preprocessing: ImagePreprocessing) -> None:
        self.preprocessing = preprocessing
        # Kept as JSON beside the weights, hence not in the state dictionary.
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preprocessing.std).view(3, 1, 1), persistent=False)
