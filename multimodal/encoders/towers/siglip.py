"""`SiglipTowers`: both towers of SigLIP or SigLIP 2 with their own preprocessing (arXiv:2303.15343, 2502.14786)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from data_loaders.errors import ConfigError, RunError
from data_loaders.posts import Post
from multimodal.encoders.captions.tokenizer import panics_as_errors, repair_surrogates
from multimodal.encoders.captions.transformer_files import quietly, read_folder
from multimodal.encoders.features.inputs import PixelImages
from multimodal.encoders.hub import WHERE, how_to_fetch, hub_folder
from multimodal.encoders.preprocessing import ImagePreprocessing
from multimodal.storage.hub_names import looks_like_path, two_readings, what_is_there
from multimodal.storage.model_files import Form, Number, checked
from multimodal.storage.run_folder import read_json, write_json

Floats = NDArray[np.float64]
# The text tower has only seen texts of exactly this length, padding included and not masked.
TOKENS = 64
_PICTURES_FILE = "preprocessor_config.json"
# Pillow's numbers of its filters, which the file holds.
_FILTERS = {1: "lanczos", 2: "bilinear", 3: "bicubic"}
_AT_ONCE = 64


_Channels = Annotated[list[Number], Field(min_length=3, max_length=3)]


class _Pictures(Form):
    image_mean: _Channels = [0.5, 0.5, 0.5]  # noqa: RUF012, copied by pydantic
    image_std: _Channels = [0.5, 0.5, 0.5]  # noqa: RUF012
    resample: int = 3


class SiglipTowers:
    """A text tower and an image tower, in evaluation mode; nothing of them is trained.

    Texts are put in lower case, cut to `TOKENS` tokens or padded to exactly as many on the right, without a mask;
    pictures are squashed to a square and normalised with the published mean and deviation (0.5).

    Args:
        model: a `SiglipModel` of the transformers library.
        tokenizer: belongs to it.
        preprocessing: of pictures.
    """

    def __init__(self, model: Any, tokenizer: Any, preprocessing: ImagePreprocessing) -> None:
        self.model, self.tokenizer, self.preprocessing = model.eval().requires_grad_(False), tokenizer, preprocessing
        self.width = int(model.config.text_config.projection_size)

    @classmethod
    def load(cls, folder: Path, option: str) -> SiglipTowers:
        """Read a folder in the transformers layout, offline.

        Args:
            folder: with config.json, model.safetensors, a tokenizer and, if it has one, preprocessor_config.json.
            option: the configuration key and value, for messages.

        Raises:
            ConfigError: the folder is unreadable or refused, its weights do not fit, or it is another kind of model.
            RunError: preprocessor_config.json is damaged.
        """
        model, tokenizer, _ = read_folder(folder, False, option, choose=_pair, needs=lambda *_: True)
        positions = int(model.config.text_config.max_position_embeddings)
        if positions != TOKENS:
            raise ConfigError(f"{option}: its text tower takes {positions} tokens; one that takes {TOKENS} is needed.")
        path = folder / _PICTURES_FILE
        values = read_json(path, "preprocessing of pictures") if path.is_file() else {}
        pictures = checked(path, "preprocessing of pictures", values, _Pictures)
        if pictures.resample not in _FILTERS:
            raise RunError(f"{path}: resample={pictures.resample} is unknown; accepted: {_FILTERS}.")
        preprocessing = ImagePreprocessing(
            size_px=int(model.config.vision_config.image_size),
            mean=(pictures.image_mean[0], pictures.image_mean[1], pictures.image_mean[2]),
            std=(pictures.image_std[0], pictures.image_std[1], pictures.image_std[2]),
            interpolation=_FILTERS[pictures.resample],
            squash=True,
        )
        return cls(model, tokenizer, preprocessing)

    def save(self, folder: Path) -> None:
        """Write a folder in the transformers layout.

        Raises:
            RunError: it cannot be written.
        """
        try:
            with quietly():
                self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)
        except (OSError, RuntimeError) as error:
            raise RunError(f"{folder} (text and image tower) could not be written: {error}") from error
        numbers = {name: number for number, name in _FILTERS.items()}
        described = {"image_mean": list(self.preprocessing.mean), "image_std": list(self.preprocessing.std)}
        write_json(folder / _PICTURES_FILE, {**described, "resample": numbers[self.preprocessing.interpolation]})

    def use_device(self, device: torch.device) -> None:
        """Compute on this device from now on."""
        self.model.to(device)

    def tokenise(self, texts: Sequence[str]) -> Tensor:
        """Return token ids, (N, TOKENS), of texts in lower case."""
        if not texts:
            return torch.empty(0, TOKENS, dtype=torch.long)
        lowered = [repair_surrogates(text).lower() for text in texts]
        with panics_as_errors():
            rows = self.tokenizer(lowered, truncation=True, max_length=TOKENS, padding=False)["input_ids"]
        pad = next(i for i in (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id, 0) if i is not None)
        # By hand: tokenizers of this family pad on either side, and to the longest text unless told otherwise.
        return torch.tensor([[*row, *[pad] * (TOKENS - len(row))] for row in rows], dtype=torch.long)

    @torch.no_grad()
    def text_vectors(self, token_ids: Tensor) -> Floats:
        """Return vectors of length 1 of texts, (N, width).

        Args:
            token_ids: (N, TOKENS) from `tokenise`.

        Raises:
            ValueError: they are not padded to `TOKENS`, with which the tower would give vectors without meaning.
        """
        if token_ids.ndim != 2 or token_ids.shape[1] != TOKENS:
            raise ValueError(
                f"token ids of shape {tuple(token_ids.shape)}; the text tower takes (N, {TOKENS}), padded as "
                "`tokenise` does"
            )
        parts = []
        for start in range(0, len(token_ids), _AT_ONCE):
            ids = token_ids[start : start + _AT_ONCE].to(self.model.device)
            parts.append(self.model.get_text_features(input_ids=ids).pooler_output)
        return _unit_rows(parts, self.width)

    def texts(self, texts: Sequence[str]) -> Floats:
        """Return vectors of length 1 of texts, (N, width)."""
        return self.text_vectors(self.tokenise(texts))

    @torch.no_grad()
    def pictures(self, posts: Sequence[Post]) -> Floats:
        """Return vectors of length 1 of the posts' pictures, (N, width), zeros where there is none.

        Raises:
            DataError: a picture cannot be used.
        """
        images = PixelImages(self, posts)
        vectors = np.zeros((len(posts), self.width))
        rows = np.flatnonzero(images.present())
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            pixels = images.batch(part.tolist())
            if pixels is not None:
                found = self.model.get_image_features(pixel_values=self.normalised(pixels)).pooler_output
                vectors[part] = _unit_rows([found], self.width)
        vectors[~images.present()] = 0
        return vectors

    def normalised(self, pixels: Tensor) -> Tensor:
        """Return pictures as the image tower takes them, (N, 3, S, S), from bytes."""
        mean, std = (torch.tensor(one).view(3, 1, 1) for one in (self.preprocessing.mean, self.preprocessing.std))
        return ((pixels / 255 - mean) / std).to(self.model.device)


def find_towers(name: str, option: str) -> Path:
    """Return the local folder of a model, downloaded from the hub unless `name` is a folder.

    Raises:
        ConfigError: there is no such folder, and the hub has none of this name or cannot be reached.
    """
    folder = Path(name).expanduser()
    if (folder / "config.json").is_file():
        return folder
    help_text = f"Give a local folder (config.json, model.safetensors, tokenizer.json). {WHERE}"
    if folder.is_dir() or looks_like_path(name):
        raise ConfigError(f"{option}: there is no model in this folder.{what_is_there(folder)} {help_text}")
    return hub_folder(name, True, option, f"{two_readings(name)} {help_text} {how_to_fetch(name)}")


def _pair(settings: Any, _: Any) -> Any:
    from transformers import AutoModel

    if settings.model_type != "siglip":
        raise ValueError(
            f"a model of type {settings.model_type!r} has no text tower beside an image tower of SigLIP's kind"
        )
    return AutoModel


def _unit_rows(parts: Sequence[Tensor], width: int) -> Floats:
    rows = torch.cat([*parts]).double().cpu().numpy() if parts else np.empty((0, width))
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    unit: Floats = rows / np.where(lengths > 0, lengths, 1)[:, None]
    return unit
