"""From posts to what the encoders take: token numbers and pixels, or cached features of frozen encoders."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor

from data_loaders.batches import CaptionInputs, ImageInputs
from data_loaders.images.loading import load_image
from data_loaders.posts import Post
from data_loaders.text.captions import clean_caption
from multimodal.distributed.processes import is_main_process, main_process_first
from multimodal.encoders.base import CaptionEncoder, ImageEncoder
from multimodal.encoders.features.feature_cache import FeatureCache, FeatureView, caption_key, image_key

logger = logging.getLogger(__name__)

Flags = NDArray[np.bool_]
_PIXELS_IN_MEMORY_BYTES = 2**31
_ENCODING_BATCH = 32


def cleaned_captions(posts: Sequence[Post], profile: str) -> list[str]:
    """Return each post's caption as encoders see it; "" where there is none."""
    return [clean_caption(post.caption, profile) for post in posts]


class NoCaptions:
    """Caption inputs of a network without a caption encoder."""

    def __init__(self, count: int) -> None:
        self._count = count

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return one empty token a post."""
        return torch.zeros(len(rows), 1, dtype=torch.long), torch.ones(len(rows), 1, dtype=torch.bool)

    def lengths(self) -> NDArray[np.int64]:
        """Return 1 for every post."""
        return np.ones(self._count, np.int64)

    def present(self) -> Flags:
        """Return False for every post."""
        return np.zeros(self._count, bool)


class TokenCaptions:
    """Captions as token numbers, for an encoder that learns or a single answer.

    Args:
        encoder: tokenises.
        captions: cleaned captions, "" for none.
    """

    def __init__(self, encoder: CaptionEncoder, captions: Sequence[str]) -> None:
        self._tokens = encoder.tokenise(captions)
        self._pad_id = encoder.pad_id
        self._present = np.array([bool(caption) for caption in captions], bool)

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return (B, T) token numbers and mask."""
        tokens = [self._tokens[row] for row in rows]
        longest = max(len(row) for row in tokens)
        padded = np.full((len(tokens), longest), self._pad_id, np.int64)
        mask = np.zeros((len(tokens), longest), bool)
        for place, row in enumerate(tokens):
            padded[place, : len(row)] = row
            mask[place, : len(row)] = True
        return torch.from_numpy(padded), torch.from_numpy(mask)

    def lengths(self) -> NDArray[np.int64]:
        """Return the number of tokens of every caption."""
        return np.array([len(row) for row in self._tokens], np.int64)

    def present(self) -> Flags:
        """Return which posts have a caption."""
        return self._present


class FeatureCaptions:
    """Captions as features of a frozen encoder, from the cache on disk."""

    def __init__(self, view: FeatureView, lengths: NDArray[np.int64], present: Flags) -> None:
        self._view, self._lengths, self._present = view, lengths, present

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return (B, T, C) features and mask."""
        features, mask = self._view.batch(rows)
        return torch.as_tensor(features), torch.as_tensor(mask)

    def lengths(self) -> NDArray[np.int64]:
        """Return the number of tokens of every caption."""
        return self._lengths

    def present(self) -> Flags:
        """Return which posts have a caption."""
        return self._present


class NoImages:
    """Image inputs of a network without an image encoder, or of posts without any picture."""

    def __init__(self, count: int) -> None:
        self._count = count

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return None."""
        return None

    def present(self) -> Flags:
        """Return False for every post."""
        return np.zeros(self._count, bool)


class PixelImages:
    """Pictures as pixels; kept in memory when all of them fit, else decoded batch by batch.

    Args:
        encoder: its preprocessing is applied.
        posts: the posts.
    """

    def __init__(self, encoder: ImageEncoder, posts: Sequence[Post]) -> None:
        self._preprocessing = encoder.preprocessing
        self._images = [post.image for post in posts]
        self._present = np.array([image is not None for image in self._images], bool)
        size = encoder.preprocessing.size_px
        total = int(self._present.sum())
        self._pixels: dict[int, Tensor] | None = None
        if total * 3 * size * size <= _PIXELS_IN_MEMORY_BYTES:
            rows: list[int] = np.flatnonzero(self._present).tolist()
            quiet = len(rows) < 500 or not is_main_process()
            self._pixels = {row: self._load(row) for row in track(rows, "decoding pictures", disable=quiet)}

    def _load(self, row: int) -> Tensor:
        source = self._images[row]
        if source is None:
            raise ValueError(f"row {row} has no picture")
        return self._preprocessing(load_image(source, size_hint_px=self._preprocessing.size_px))

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return (B, 3, S, S) pixels, zeros where there is no picture."""
        size = self._preprocessing.size_px
        pixels: Tensor | None = None
        for place, row in enumerate(rows):
            if self._present[row]:
                one = self._load(row) if self._pixels is None else self._pixels[row]
                if pixels is None:
                    pixels = one.new_zeros(len(rows), 3, size, size)
                pixels[place] = one
        return pixels

    def present(self) -> Flags:
        """Return which posts have a picture."""
        return self._present


class FeatureImages:
    """Pictures as features of a frozen encoder, from the cache on disk."""

    def __init__(self, view: FeatureView, rows: NDArray[np.int64], present: Flags, patches: int, width: int) -> None:
        self._view, self._rows, self._present = view, rows, present
        self._shape = (patches, width)

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return (B, P, C) features, zeros where there is no picture."""
        index = np.asarray(rows)
        here = np.flatnonzero(self._present[index])
        if not len(here):
            return None
        found, _ = self._view.batch(self._rows[index[here]].tolist())
        features = torch.zeros(len(index), *self._shape, dtype=torch.as_tensor(found).dtype)
        features[torch.from_numpy(here)] = torch.as_tensor(found)
        return features

    def present(self) -> Flags:
        """Return which posts have a picture."""
        return self._present


class SelectedCaptions:
    """Some posts of caption inputs that were made for more."""

    def __init__(self, inputs: CaptionInputs, rows: Sequence[int]) -> None:
        self._inputs, self._rows = inputs, np.asarray(rows, np.int64)

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return what the inputs give for these rows of the selection."""
        return self._inputs.batch(self._rows[list(rows)].tolist())

    def lengths(self) -> NDArray[np.int64]:
        """Return the number of tokens of every selected caption."""
        return self._inputs.lengths()[self._rows]

    def present(self) -> Flags:
        """Return which selected posts have a caption."""
        return self._inputs.present()[self._rows]


class SelectedImages:
    """Some posts of image inputs that were made for more."""

    def __init__(self, inputs: ImageInputs, rows: Sequence[int]) -> None:
        self._inputs, self._rows = inputs, np.asarray(rows, np.int64)

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return what the inputs give for these rows of the selection."""
        return self._inputs.batch(self._rows[list(rows)].tolist())

    def present(self) -> Flags:
        """Return which selected posts have a picture."""
        return self._inputs.present()[self._rows]


def caption_inputs(
    encoder: CaptionEncoder | None, captions: Sequence[str], cache: str | None
) -> NoCaptions | TokenCaptions | FeatureCaptions:
    """Return the caption inputs of some posts: features where the encoder is frozen and a cache is given."""
    if encoder is None:
        return NoCaptions(len(captions))
    tokens = TokenCaptions(encoder, captions)
    if not encoder.frozen or cache is None:
        return tokens
    store = FeatureCache(Path(cache), encoder.fingerprint())

    def compute(rows: Sequence[int]) -> list[NDArray[np.float16]]:
        return _encode_captions(encoder, tokens, rows)

    keys = [caption_key(caption) for caption in captions]
    view = main_process_first(lambda: store.get_or_compute(keys, compute, "encoding captions"))
    return FeatureCaptions(view, tokens.lengths(), tokens.present())


def image_inputs(
    encoder: ImageEncoder | None, posts: Sequence[Post], cache: str | None
) -> NoImages | PixelImages | FeatureImages:
    """Return the image inputs of some posts: features where the encoder is frozen and a cache is given."""
    present = np.array([post.image is not None for post in posts], bool)
    if encoder is None or not present.any():
        return NoImages(len(posts))
    if not encoder.frozen or cache is None:
        return PixelImages(encoder, posts)
    store = FeatureCache(Path(cache), encoder.fingerprint())
    pictured: list[int] = np.flatnonzero(present).tolist()
    paths = [Path(str(posts[row].image)) for row in pictured]

    def compute(rows: Sequence[int]) -> list[NDArray[np.float16]]:
        return _encode_images(encoder, [paths[row] for row in rows])

    keys = [image_key(path) for path in paths]
    view = main_process_first(lambda: store.get_or_compute(keys, compute, "encoding pictures"))
    rows = np.full(len(posts), -1, np.int64)
    rows[pictured] = np.arange(len(pictured))
    return FeatureImages(view, rows, present, encoder.patches, encoder.width)


def frozen_features(features: Tensor) -> Tensor:
    """Round features as the cache does, so that an answer is the same with and without it."""
    return features.half().float()


@torch.no_grad()
def _encode_captions(encoder: CaptionEncoder, tokens: TokenCaptions, rows: Sequence[int]) -> list[NDArray[np.float16]]:
    # Similar lengths together: padding is what costs.
    lengths = tokens.lengths()
    order = sorted(range(len(rows)), key=lambda place: lengths[rows[place]])
    device = next(encoder.parameters()).device
    results: list[NDArray[np.float16]] = [np.empty((0, encoder.width), np.float16)] * len(rows)
    for start in range(0, len(order), _ENCODING_BATCH):
        places = order[start : start + _ENCODING_BATCH]
        ids, mask = tokens.batch([rows[place] for place in places])
        features = encoder(ids.to(device), mask.to(device)).cpu().half().numpy()
        for place, row, length in zip(places, features, mask.sum(1).tolist(), strict=True):
            results[place] = row[:length]
    return results


@torch.no_grad()
def _encode_images(encoder: ImageEncoder, paths: Sequence[Path]) -> list[NDArray[np.float16]]:
    device = next(encoder.parameters()).device
    results: list[NDArray[np.float16]] = []
    for start in range(0, len(paths), _ENCODING_BATCH):
        pixels = []
        for path in paths[start : start + _ENCODING_BATCH]:
            pixels.append(encoder.preprocessing(load_image(path, size_hint_px=encoder.preprocessing.size_px)))
        results.extend(encoder(torch.stack(pixels).to(device)).cpu().half().numpy())
    return results
