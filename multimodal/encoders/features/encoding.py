"""What the cache of features is filled with: captions and pictures as frozen encoders see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from data_loaders.batches import CaptionInputs
from data_loaders.errors import DataError
from data_loaders.posts import Post
from multimodal.distributed.processes import map_processes
from multimodal.encoders.base import CaptionEncoder, ImageEncoder
from multimodal.encoders.features.feature_cache import FeatureCache, FeatureView, Rows
from multimodal.encoders.features.picture_loading import Pictures
from multimodal.encoders.features.rounding import FeaturePrecision, to_stored

Flags = NDArray[np.bool_]
_ENCODING_BATCH = 32
_ENCODING_CHUNK = 256


class PictureFiles:
    """The picture files of posts, as items of the cache.

    Attributes:
        keys: of the K pictures that are there.
        rows: (N,) which of them each post has, -1 for none.

    Args:
        encoder: of the pictures, frozen.
        posts: N posts.

    Raises:
        DataError: the picture of a post that is not from a prepared folder has gone.
    """

    def __init__(self, encoder: ImageEncoder, posts: Sequence[Post]) -> None:
        self._encoder, self._posts = encoder, posts
        self._everything = Pictures(encoder.preprocessing, posts)
        found = {row: self._everything.find(row) for row in np.flatnonzero(pictured(posts)).tolist()}
        keys = {row: key for row, key in found.items() if key is not None}
        self._pictured, self.keys = list(keys), list(keys.values())
        self._pictures = Pictures(encoder.preprocessing, [posts[row] for row in self._pictured])
        self.rows = np.full(len(posts), -1, np.int64)
        self.rows[self._pictured] = np.arange(len(self._pictured))

    def encoded(self, rows: Sequence[int], workers: int, precision: FeaturePrecision) -> Iterator[Rows]:
        """Yield the features of some pictures, none of one that cannot be used.

        Raises:
            DataError: the picture of a post that is not from a prepared folder cannot be used.
        """
        workers = workers if len(rows) >= _ENCODING_CHUNK else 0
        return _encode_images(self._encoder, self._pictures, rows, workers, precision)

    def usable(self, view: FeatureView) -> Flags:
        """Return which posts have a picture of which the cache has rows, (N,); the others' are left out.

        Args:
            view: of `keys`.

        Raises:
            DataError: the picture of a post that is not from a prepared folder cannot be used.
        """
        for index in np.flatnonzero(view.lengths == 0).tolist():
            if index not in self._pictures.left_out:
                image = self._posts[self._pictured[index]].image
                self._pictures.leave_out(index, DataError(f"image {image!s} could not be used before"))
        present = pictured(self._posts)
        left_out = {*self._everything.left_out, *(self._pictured[index] for index in self._pictures.left_out)}
        present[list(left_out)] = False
        return present


def filled(
    store: FeatureCache, keys: list[str], compute: Callable[[Sequence[int]], Iterator[Rows]], description: str
) -> FeatureView:
    """Let every process compute its share of what is missing; then each finds everything."""

    def work(rows: Sequence[int]) -> list[None]:
        share = [keys[row] for row in rows]
        store.get_or_compute(share, lambda chosen: compute([rows[index] for index in chosen]), description)
        return [None] * len(rows)

    map_processes(range(len(keys)), work)
    return store.get_or_compute(keys, compute, description)


def encoded_captions(
    encoder: CaptionEncoder, tokens: CaptionInputs, rows: Sequence[int], precision: FeaturePrecision
) -> Iterator[Rows]:
    """Yield the features of some captions.

    Args:
        encoder: frozen.
        tokens: of all captions.
        rows: which captions.
        precision: of the features.
    """
    for chunk in parts_of(rows, _ENCODING_CHUNK):
        yield from _encode_captions(encoder, tokens, chunk, precision)


@torch.no_grad()
def _encode_captions(
    encoder: CaptionEncoder, tokens: CaptionInputs, rows: Sequence[int], precision: FeaturePrecision
) -> list[Rows]:
    # Captions of similar length share a batch, to save padding.
    lengths = tokens.lengths()
    order = sorted(range(len(rows)), key=lambda i: lengths[rows[i]])
    device = device_of(encoder)
    results: list[Rows] = [np.empty((0, encoder.width), np.float16)] * len(rows)
    for chosen in parts_of(order, _ENCODING_BATCH):
        ids, mask = tokens.batch([rows[i] for i in chosen])
        features = to_stored(encoder(ids.to(device), mask.to(device)), precision)
        for i, row, length in zip(chosen, features, mask.sum(1).tolist(), strict=True):
            results[i] = row[:length]
    return results


def _encode_images(
    encoder: ImageEncoder, pictures: Pictures, rows: Sequence[int], workers: int, precision: FeaturePrecision
) -> Iterator[Rows]:
    device, parts = device_of(encoder), parts_of(rows, _ENCODING_BATCH)
    for part, pixels in zip(parts, pictures.batches(parts, workers), strict=True):
        with torch.no_grad():
            features = to_stored(encoder(pixels.to(device)), precision)
        # No rows, which the cache remembers, for what cannot be used.
        yield from (rows[:0] if row in pictures.left_out else rows for row, rows in zip(part, features, strict=True))


def device_of(encoder: CaptionEncoder | ImageEncoder) -> torch.device:
    """Return where an encoder is."""
    return next(encoder.parameters()).device


def pictured(posts: Sequence[Post]) -> Flags:
    """Return which posts have a picture, (N,)."""
    return np.array([post.image is not None for post in posts], bool)


def parts_of(rows: Sequence[int], size: int) -> list[Sequence[int]]:
    """Return rows, `size` at a time."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]
