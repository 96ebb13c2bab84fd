"""From posts to the inputs of encoders: token ids and pixels, or cached features of frozen encoders."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor

from data_loaders.batches import CaptionInputs, ImageInputs
from data_loaders.posts import Post
from data_loaders.text.captions import clean_caption
from multimodal.distributed.processes import is_main_process, main_process_first
from multimodal.encoders.base import CaptionEncoder, ImageEncoder
from multimodal.encoders.features.feature_cache import FeatureCache, FeatureView, caption_key, image_key
from multimodal.encoders.features.picture_loading import Pictures, PicturesAhead

logger = logging.getLogger(__name__)

Flags = NDArray[np.bool_]
_PIXELS_IN_MEMORY_BYTES = 2**31
_ENCODING_BATCH = 32
_ENCODING_CHUNK = 256


def cleaned_captions(posts: Sequence[Post], profile: str) -> list[str]:
    """Return each post's cleaned caption, "" for none."""
    return [clean_caption(post.caption, profile) for post in posts]


class NoCaptions:
    """Caption inputs of a network without a caption encoder."""

    def __init__(self, count: int) -> None:
        self._count = count

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return one empty token per post."""
        return torch.zeros(len(rows), 1, dtype=torch.long), torch.ones(len(rows), 1, dtype=torch.bool)

    def lengths(self) -> NDArray[np.int64]:
        """Return 1 for every post."""
        return np.ones(self._count, np.int64)

    def present(self) -> Flags:
        """Return False for every post."""
        return np.zeros(self._count, bool)


class TokenCaptions:
    """Captions as token ids, for an encoder that is trained or is called without a cache.

    Args:
        encoder: its tokenizer is used.
        captions: cleaned captions, "" for none.
    """

    def __init__(self, encoder: CaptionEncoder, captions: Sequence[str]) -> None:
        self._tokens = encoder.tokenise(captions)
        self._pad_id = encoder.pad_id
        self._present = np.array([bool(caption) for caption in captions], bool)

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return token ids (B, T) and mask (B, T)."""
        tokens = [self._tokens[row] for row in rows]
        longest = max(len(row) for row in tokens)
        padded = np.full((len(tokens), longest), self._pad_id, np.int64)
        mask = np.zeros((len(tokens), longest), bool)
        for i, row in enumerate(tokens):
            padded[i, : len(row)] = row
            mask[i, : len(row)] = True
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
        """Return features (B, T, C) and mask (B, T)."""
        features, mask = self._view.batch(rows)
        return torch.as_tensor(features), torch.as_tensor(mask)

    def lengths(self) -> NDArray[np.int64]:
        """Return the number of tokens of every caption."""
        return self._lengths

    def present(self) -> Flags:
        """Return which posts have a caption."""
        return self._present


class NoImages:
    """Image inputs of a network without an image encoder, or of posts without pictures."""

    def __init__(self, count: int) -> None:
        self._count = count

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return None."""
        return None

    def prefetch(self, batches: Sequence[Sequence[int]]) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def present(self) -> Flags:
        """Return False for every post."""
        return np.zeros(self._count, bool)


class PixelImages:
    """Pictures as pixels; kept in memory when all of them fit, else decoded batch by batch.

    Args:
        encoder: its preprocessing is applied.
        posts: the posts.
        workers: processes that decode pictures ahead where they do not fit in memory; 0 for none.
    """

    def __init__(self, encoder: ImageEncoder, posts: Sequence[Post], workers: int = 0) -> None:
        self._pictures = Pictures(encoder.preprocessing, posts)
        self._present = np.array([post.image is not None for post in posts], bool)
        self._size_px = encoder.preprocessing.size_px
        self._workers = workers
        self._pixels: dict[int, Tensor] | None = None
        self._ahead: PicturesAhead | None = None
        if int(self._present.sum()) * 3 * self._size_px**2 <= _PIXELS_IN_MEMORY_BYTES:
            rows: list[int] = np.flatnonzero(self._present).tolist()
            quiet = len(rows) < 500 or not is_main_process()
            self._pixels = {row: self._pictures.read(row) for row in track(rows, "decoding pictures", disable=quiet)}

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return pixels (B, 3, S, S), zeros for posts without a picture.

        Raises:
            DataError: a picture cannot be used.
        """
        here = [index for index, row in enumerate(rows) if self._present[row]]
        if not here:
            return None
        pixels = torch.zeros(len(rows), 3, self._size_px, self._size_px, dtype=torch.uint8)
        for index, one in zip(here, self._read([rows[index] for index in here]), strict=True):
            pixels[index] = one
        return pixels

    def _read(self, rows: list[int]) -> Iterable[Tensor]:
        if self._pixels is not None:
            return [self._pixels[row] for row in rows]
        ahead = None if self._ahead is None else self._ahead.take(rows)
        return (self._pictures.read(row) for row in rows) if ahead is None else ahead

    @contextmanager
    def prefetch(self, batches: Sequence[Sequence[int]]) -> Iterator[None]:
        """Let the workers decode these batches of rows in their order, while the `with` block asks for them."""
        if self._pixels is None and self._workers:
            pictured = [[row for row in rows if self._present[row]] for rows in batches]
            self._ahead = PicturesAhead(self._pictures, [rows for rows in pictured if rows], self._workers)
        try:
            yield
        finally:
            self._ahead = None

    def present(self) -> Flags:
        """Return which posts have a picture."""
        return self._present


class FeatureImages:
    """Pictures as features of a frozen encoder, from the cache on disk."""

    def __init__(self, view: FeatureView, rows: NDArray[np.int64], present: Flags, patches: int, width: int) -> None:
        self._view, self._rows, self._present = view, rows, present
        self._shape = (patches, width)

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return features (B, P, C), zeros for posts without a picture."""
        index = np.asarray(rows)
        here = np.flatnonzero(self._present[index])
        if not len(here):
            return None
        cached, _ = self._view.batch(self._rows[index[here]].tolist())
        features = torch.zeros(len(index), *self._shape, dtype=torch.as_tensor(cached).dtype)
        features[torch.from_numpy(here)] = torch.as_tensor(cached)
        return features

    def prefetch(self, batches: Sequence[Sequence[int]]) -> AbstractContextManager[None]:
        """Do nothing: features are read as fast as they are needed."""
        return nullcontext()

    def present(self) -> Flags:
        """Return which posts have a picture."""
        return self._present


class SelectedCaptions:
    """A selection of the posts of caption inputs."""

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
    """A selection of the posts of image inputs."""

    def __init__(self, inputs: ImageInputs, rows: Sequence[int]) -> None:
        self._inputs, self._rows = inputs, np.asarray(rows, np.int64)

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return what the inputs give for these rows of the selection."""
        return self._inputs.batch(self._rows[list(rows)].tolist())

    def prefetch(self, batches: Sequence[Sequence[int]]) -> AbstractContextManager[None]:
        """Prefetch batches of rows of the selection."""
        return self._inputs.prefetch([self._rows[list(rows)].tolist() for rows in batches])

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

    def compute(rows: Sequence[int]) -> Iterator[NDArray[np.float16]]:
        for chunk in _parts(rows, _ENCODING_CHUNK):
            yield from _encode_captions(encoder, tokens, chunk)

    keys = [caption_key(caption) for caption in captions]
    view = main_process_first(lambda: store.get_or_compute(keys, compute, "encoding captions"))
    return FeatureCaptions(view, tokens.lengths(), tokens.present())


def image_inputs(
    encoder: ImageEncoder | None, posts: Sequence[Post], cache: str | None, workers: int = 0
) -> NoImages | PixelImages | FeatureImages:
    """Return the image inputs of some posts: features where the encoder is frozen and a cache is given.

    Args:
        encoder: of pictures; None for none.
        posts: the posts.
        cache: folder of the feature cache; None for none.
        workers: processes that decode pictures where they are many; 0 for none.

    Raises:
        DataError: a picture cannot be used.
    """
    present = np.array([post.image is not None for post in posts], bool)
    if encoder is None or not present.any():
        return NoImages(len(posts))
    if not encoder.frozen or cache is None:
        return PixelImages(encoder, posts, workers)
    store = FeatureCache(Path(cache), encoder.fingerprint())
    pictured: list[int] = np.flatnonzero(present).tolist()
    paths = [Path(str(posts[row].image)) for row in pictured]
    pictures = Pictures(encoder.preprocessing, [posts[row] for row in pictured])

    def compute(rows: Sequence[int]) -> Iterator[NDArray[np.float16]]:
        return _encode_images(encoder, pictures, rows, workers if len(rows) >= _ENCODING_CHUNK else 0)

    keys = [image_key(path) for path in paths]
    view = main_process_first(lambda: store.get_or_compute(keys, compute, "encoding pictures"))
    rows = np.full(len(posts), -1, np.int64)
    rows[pictured] = np.arange(len(pictured))
    return FeatureImages(view, rows, present, encoder.patches, encoder.width)


def frozen_features(features: Tensor) -> Tensor:
    """Round features as the cache does, so that results are the same with and without it."""
    return features.half().float()


@torch.no_grad()
def _encode_captions(encoder: CaptionEncoder, tokens: TokenCaptions, rows: Sequence[int]) -> list[NDArray[np.float16]]:
    # Captions of similar length share a batch, to save padding.
    lengths = tokens.lengths()
    order = sorted(range(len(rows)), key=lambda i: lengths[rows[i]])
    device = next(encoder.parameters()).device
    results: list[NDArray[np.float16]] = [np.empty((0, encoder.width), np.float16)] * len(rows)
    for start in range(0, len(order), _ENCODING_BATCH):
        chosen = order[start : start + _ENCODING_BATCH]
        ids, mask = tokens.batch([rows[i] for i in chosen])
        features = encoder(ids.to(device), mask.to(device)).cpu().half().numpy()
        for i, row, length in zip(chosen, features, mask.sum(1).tolist(), strict=True):
            results[i] = row[:length]
    return results


def _encode_images(
    encoder: ImageEncoder, pictures: Pictures, rows: Sequence[int], workers: int
) -> Iterator[NDArray[np.float16]]:
    device = next(encoder.parameters()).device
    for pixels in pictures.batches(_parts(rows, _ENCODING_BATCH), workers):
        with torch.no_grad():
            features = encoder(pixels.to(device)).cpu().half().numpy()
        yield from features


def _parts(rows: Sequence[int], size: int) -> list[Sequence[int]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
