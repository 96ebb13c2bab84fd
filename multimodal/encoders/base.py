"""`CaptionEncoder` and `ImageEncoder`: the interface of every encoder.

Shapes: B posts, T tokens, P patches (regions), C width, S side of the picture in pixels.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from data_loaders.errors import ConfigError
from multimodal.encoders.configuration import CaptionEncoderConfig, ImageEncoderConfig, wants_training
from multimodal.encoders.kept_outputs import KeptOutputs, hash_of
from multimodal.encoders.preprocessing import Augmentation, ImagePreprocessing
from multimodal.encoders.storage import (
    DESCRIPTION_FILE,
    WEIGHTS_FILE,
    read_description,
    save_weights,
    write_description,
)
from multimodal.storage.model_files import Count, Form, Number, checked

EncoderType = TypeVar("EncoderType", bound="Encoder")


class Encoder(nn.Module, ABC):
    """A network whose parts may be frozen: frozen parts stay in evaluation mode and never change.

    Attributes:
        section: of the configuration, for messages.
        config: the configuration it was built from.
        width: C, the width of its output vectors.
        default_learning_rate: its own learning rate; None for that of the training.
        kept: its last outputs, so that content that comes again costs nothing; None, as by default, to keep none. Only
            for an encoder whose weights stay as they are.
    """

    section: ClassVar[str]
    kept: KeptOutputs | None = None
    _backend: Callable[..., Tensor] | None = None
    _backend_process = 0
    config: CaptionEncoderConfig | ImageEncoderConfig
    width: int
    default_learning_rate: float | None

    @abstractmethod
    def layers(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each layer, from input to output, without those in front of the first layer."""

    @abstractmethod
    def architecture(self) -> dict[str, Any]:
        """Return, as JSON values, everything that the output depends on except the weights."""

    @abstractmethod
    def probe(self) -> Tensor:
        """Return the output for a small input."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write weights, configuration and preprocessing; the folder can be moved and needs no other file to load.

        Raises:
            RunError: the folder cannot be written.
        """

    @property
    def backend(self) -> Callable[..., Tensor] | None:
        """What computes in place of torch, from the inputs of `forward`; None, as by default, for torch.

        It has weights of its own, so it is only for an encoder whose weights stay as they are. In training, and in
        forked processes, which have none of its threads, torch computes.
        """
        return None if self.training or self._backend_process != os.getpid() else self._backend

    @backend.setter
    def backend(self, backend: Callable[..., Tensor] | None) -> None:
        """Let it compute in this process."""
        self._backend, self._backend_process = backend, os.getpid()

    @property
    def frozen(self) -> bool:
        """Whether nothing in the encoder is trained, so that its output can be cached."""
        return not any(parameter.requires_grad for parameter in self.parameters())

    def train(self: EncoderType, mode: bool = True) -> EncoderType:
        """Set the training mode of the trained parts; frozen parts stay in evaluation mode."""
        super().train(mode)
        if mode:
            for module in self.modules():
                parameters = list(module.parameters())
                if parameters and not any(parameter.requires_grad for parameter in parameters):
                    nn.Module.train(module, False)
        return self

    def set_trainable(self) -> None:
        """Make all, none, or the last layers trainable, as configured; sets evaluation mode.

        Parameters that the output does not depend on (a pooler, a classifier's norm) are never trainable, so that every
        trained parameter has a gradient.

        Raises:
            ConfigError: the encoder has fewer layers, or its layers are not known.
        """
        self.eval()
        trainable = wants_training(self.config.trainable, self.config.from_scratch)
        if trainable is False:
            self.requires_grad_(False)
            return
        chosen = reached = self._reached_parameters()
        self.requires_grad_(False)
        if trainable is not True:
            layers = [layer for layer in self.layers() if any(id(parameter) in reached for parameter in layer)]
            if not 1 <= trainable <= len(layers):
                remedy = f"it has {len(layers)}" if layers else "its layers are not known; give true or false"
                raise ConfigError(
                    f"{self.section}.trainable={trainable}: that many layers cannot be trained, {remedy}."
                )
            chosen = reached & {id(parameter) for layer in layers[-trainable:] for parameter in layer}
        for parameter in self.parameters():
            parameter.requires_grad_(id(parameter) in chosen)

    def _keeps(self, content: Tensor) -> KeptOutputs | None:
        """Return what is kept, where outputs may come from it: on a CPU, and where nothing is learned."""
        return None if self.training or torch.is_grad_enabled() or content.device.type != "cpu" else self.kept

    def _reached_parameters(self) -> set[int]:
        self.requires_grad_(True)
        with torch.enable_grad():
            torch.autograd.backward(self.probe().square().sum())
        reached = {id(parameter) for parameter in self.parameters() if parameter.grad is not None}
        self.zero_grad(set_to_none=True)
        return reached

    def to_dtype(self, dtype: torch.dtype) -> None:
        """Convert the weights to another type, for inference only; pixels are normalised in the type they had."""
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
        maximum_tokens: longer captions are truncated to this many tokens.
        pad_id: the token id of padding.
    """

    section = "encoder.caption"
    config_type: ClassVar[type[CaptionEncoderConfig]]
    config: CaptionEncoderConfig
    maximum_tokens: int
    pad_id: int

    @classmethod
    def find_weights(cls, config: CaptionEncoderConfig) -> Path | None:
        """Return the file or folder that `build` starts from; None for random weights. See `missing_weights`."""
        return None

    @classmethod
    @abstractmethod
    def build(cls, config: CaptionEncoderConfig, train_captions: Iterable[str]) -> CaptionEncoder:
        """Make an encoder; see `build_caption_encoder`."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> CaptionEncoder:
        """Read a folder that `save` wrote, offline, in evaluation mode."""

    @abstractmethod
    def tokenise(self, captions: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return 1 to `maximum_tokens` token ids per caption; any text is accepted, including an empty one."""

    def token_spans(self, caption: str) -> tuple[str, list[tuple[int, int]]] | None:
        """Return which characters each token of `tokenise` stands for; None, as here, where that is not known.

        Returns:
            The text that the places refer to, and T pairs of first character and end, empty for a token of no text.
        """
        return None

    @abstractmethod
    def encode_tokens(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return vectors (B, T, C) for token ids (B, T); every row of the mask (B, T) has a true entry."""

    def forward(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return one vector per token (B, T, C), zero at padding, whatever the padding and the rest of the batch.

        Args:
            token_ids: (B, T) integers.
            mask: (B, T) booleans, true at tokens; a row may be all false.
        """
        kept = self._keeps(token_ids)
        if kept is None or not len(mask):
            return self._computed(token_ids, mask)
        lengths = mask.int().mul(torch.arange(1, mask.shape[1] + 1)).amax(1).clamp(min=1).tolist()
        rows = [(token_ids[row, :length], mask[row, :length]) for row, length in enumerate(lengths)]

        def compute(missing: list[int]) -> list[Tensor]:
            longest = max(lengths[row] for row in missing)
            words = self._computed(token_ids[missing, :longest], mask[missing, :longest])
            return [one[: lengths[row]] for row, one in zip(missing, words, strict=True)]

        outputs = kept.get_or_compute([hash_of(*row) for row in rows], compute)
        words = outputs[0].new_zeros(*mask.shape, self.width)
        for row, output in enumerate(outputs):
            words[row, : lengths[row]] = output
        return words

    def _computed(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        if self.backend is not None:
            return self.backend(token_ids, mask)
        first = torch.zeros_like(mask)
        first[:, :1] = True
        safe = mask | (first & ~mask.any(dim=1, keepdim=True))  # attention over nothing would be NaN
        return self.encode_tokens(token_ids, safe).masked_fill(~mask.unsqueeze(-1), 0.0)

    def pool(self, words: Tensor, mask: Tensor) -> Tensor:
        """Return one vector per caption, (B, C), from the output of `forward`: here the mean over its tokens.

        Args:
            words: (B, T, C), zero at padding.
            mask: (B, T); a row without tokens gives zeros.
        """
        return words.sum(1) / mask.sum(1, keepdim=True).clamp(min=1).to(words.dtype)

    def knows(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions contain something the encoder can use, (B,) booleans."""
        return np.array([bool(caption.strip()) for caption in captions], np.bool_)

    def pad(self, token_ids: Sequence[NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
        """Return token lists as one padded batch; see `pad_tokens`."""
        return pad_tokens(token_ids, self.pad_id)

    def probe(self) -> Tensor:
        """Return the output for a small caption, (1, T, C)."""
        output: Tensor = self(*self.pad(self.tokenise(["a b"])))
        return output


class _Preprocessing(Form):
    size_px: Count
    mean: Annotated[list[Number], Field(min_length=3, max_length=3)]
    std: Annotated[list[Number], Field(min_length=3, max_length=3)]
    interpolation: str
    crop_fraction: Number


class ImageEncoder(Encoder):
    """Turns pictures into one vector per region.

    Attributes:
        patches: P, the number of regions of a picture.
        preprocessing: turns a picture into the input of `forward`; saved with the weights.
    """

    section = "encoder.image"
    config: ImageEncoderConfig
    patches: int
    preprocessing: ImagePreprocessing
    mean: Tensor
    std: Tensor

    @classmethod
    def find_weights(cls, config: ImageEncoderConfig) -> Path | None:
        """Return the file that `build` starts from; None for random weights. See `missing_weights`."""
        return None

    @classmethod
    @abstractmethod
    def build(cls, config: ImageEncoderConfig) -> ImageEncoder:
        """Make an encoder; see `build_image_encoder`."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> ImageEncoder:
        """Read a folder that `save` wrote, offline, in evaluation mode."""

    @abstractmethod
    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Return vectors (B, P, C) for normalised pictures (B, 3, S, S)."""

    def forward(self, pixels: Tensor) -> Tensor:
        """Return one vector per region, (B, P, C).

        Args:
            pixels: (B, 3, S, S), the output of `preprocessing`: bytes 0 to 255, or floating point in [0, 1].
        """
        kept = self._keeps(pixels)
        if kept is None or not len(pixels):
            return self._computed(pixels)
        keys = [hash_of(picture) for picture in pixels]
        return torch.stack(kept.get_or_compute(keys, lambda rows: [*self._computed(pixels[rows])]))

    def _computed(self, pixels: Tensor) -> Tensor:
        if self.backend is not None:
            return self.backend(pixels)
        scaled = pixels.to(self.mean.dtype)
        if not pixels.is_floating_point():
            scaled = scaled / 255
        regions = self.encode_pixels(((scaled - self.mean) / self.std).to(next(self.parameters()).dtype))
        return regions if self.config.grid is None else pool_regions(regions, self.config.grid)

    def fingerprint(self) -> str:
        """Return a hash of what the output depends on; see `Encoder.fingerprint`."""
        own = super().fingerprint()
        grid = self.config.grid
        return own if grid is None else hashlib.sha256(f"{own} grid {grid}".encode()).hexdigest()

    @property
    def augmentation(self) -> Augmentation | None:
        """Random crops and mirror images for training; None if switched off."""
        return Augmentation(self.preprocessing.size_px) if self.config.augmentation else None

    def save(self, folder: Path) -> None:
        """Write `encoder.json` and `weights.safetensors`."""
        described = {"config": self.config.model_dump(mode="json"), "preprocessing": self.preprocessing.to_json()}
        write_description(Path(folder), "image", described)
        save_weights(Path(folder) / WEIGHTS_FILE, self)

    @staticmethod
    def read_settings(folder: Path) -> tuple[ImageEncoderConfig, ImagePreprocessing]:
        """Return configuration and preprocessing of a folder that `save` wrote.

        Raises:
            RunError: `encoder.json` is missing or damaged.
        """
        values = read_description(folder, "image")
        path = Path(folder) / DESCRIPTION_FILE
        preprocessing = checked(path, "preprocessing", values.get("preprocessing"), _Preprocessing)
        return ImageEncoderConfig.model_validate(values["config"]), ImagePreprocessing.from_json(
            preprocessing.model_dump()
        )

    def probe(self) -> Tensor:
        """Return the output for a test picture, (1, P, C)."""
        size = self.preprocessing.size_px
        pixels = torch.arange(3 * size * size).remainder(251).to(torch.uint8).view(1, 3, size, size)
        output: Tensor = self(pixels)
        return output

    def _set_preprocessing(self, preprocessing: ImagePreprocessing) -> None:
        self.preprocessing = preprocessing
        # Saved as JSON beside the weights, hence not in the state dictionary.
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preprocessing.std).view(3, 1, 1), persistent=False)


def pool_regions(regions: Tensor, grid: int) -> Tensor:
    """Return the means of neighbouring regions, (B, grid · grid, C), for the regions of square maps (B, P, C).

    Raises:
        ConfigError: P is not a square, or the map is smaller than the grid.
    """
    side = math.isqrt(regions.shape[1])
    square = side * side == regions.shape[1]
    if not square or grid > side:
        own = f"{side} x {side} regions" if square else f"{regions.shape[1]} regions, which is not a square"
        raise ConfigError(
            f"encoder.image.grid={grid}: the encoder gives {own}; give a grid of at most its side, or null."
        )
    maps = regions.transpose(1, 2).reshape(len(regions), -1, side, side)
    return torch.nn.functional.adaptive_avg_pool2d(maps, grid).flatten(2).transpose(1, 2)


def pad_tokens(token_ids: Sequence[NDArray[np.int64]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Return token lists as one padded batch: ids (B, T) and mask (B, T), T the longest."""
    lengths = np.asarray([len(ids) for ids in token_ids], dtype=np.int64)
    mask = np.arange(int(lengths.max(initial=1))) < lengths[:, None]
    batch = np.full(mask.shape, pad_id, dtype=np.int64)
    if len(token_ids):
        batch[mask] = np.concatenate(token_ids)
    return torch.from_numpy(batch), torch.from_numpy(mask)


def parameters_of(*modules: nn.Module) -> list[nn.Parameter]:
    """Return the parameters of several modules in one list."""
    return [parameter for module in modules for parameter in module.parameters()]
