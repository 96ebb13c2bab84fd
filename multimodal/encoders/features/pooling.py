"""One vector per post from what a frozen encoder makes of its caption or picture.

Where a cache is given, pooled vectors are kept in it, beside words and regions: 4 bytes a number, and nothing else of a
post whose words or regions nobody asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from data_loaders.batches import CaptionInputs, ImageInputs
from data_loaders.posts import Post
from multimodal.distributed.processes import map_processes
from multimodal.encoders.base import CaptionEncoder, ImageEncoder
from multimodal.encoders.features.encoding import PictureFiles, device_of, encoded_captions, filled, parts_of, pictured
from multimodal.encoders.features.feature_cache import FeatureCache, FeatureView, Rows, caption_key
from multimodal.encoders.features.inputs import TokenCaptions, image_inputs
from multimodal.encoders.features.rounding import FeaturePrecision, from_stored, rounded, stored_type

Floats = NDArray[np.float32]
_BATCH = 32
_BOTH = (True, False)


def caption_vectors(
    encoder: CaptionEncoder, captions: Sequence[str], cache: str | None, precision: FeaturePrecision
) -> Floats:
    """Return the pooled vector of each caption, (N, C), zeros without one.

    Args:
        encoder: frozen.
        captions: cleaned, "" for none.
        cache: folder for pooled vectors, and perhaps the words that they are made of; None for none.
        precision: of the words.
    """
    tokens = TokenCaptions(encoder, captions)
    if cache is None or encoder.backend is not None:
        return pooled_captions(encoder, tokens, precision)

    def pool(words: list[Rows]) -> Rows:
        longest = max(len(row) for row in words)
        padded = np.zeros((len(words), longest, words[0].shape[1]), words[0].dtype)
        for row, own in zip(padded, words, strict=True):
            row[: len(own)] = own
        mask = torch.arange(longest) < torch.tensor([[len(row)] for row in words])
        return _pooled_words(encoder, from_stored(torch.from_numpy(padded)), mask, precision)

    def encode(rows: Sequence[int]) -> Iterator[Rows]:
        return encoded_captions(encoder, tokens, rows, precision)

    keys = [caption_key(caption) for caption in captions]
    view = _kept(Path(cache), encoder, precision, keys, encode, pool, "encoding captions")
    return _vectors(view, np.arange(len(captions)), tokens.present(), encoder.width)


def image_vectors(
    encoder: ImageEncoder, posts: Sequence[Post], cache: str | None, precision: FeaturePrecision
) -> Floats:
    """Return the pooled vector of each post's picture, (N, C), zeros without one.

    Args:
        encoder: frozen.
        posts: N posts.
        cache: folder for pooled vectors, and perhaps the regions that they are made of; None for none.
        precision: of the regions.

    Raises:
        DataError: a picture cannot be used.
    """
    if cache is None or encoder.backend is not None or not pictured(posts).any():
        return pooled_images(encoder, image_inputs(encoder, posts, None), precision)
    files = PictureFiles(encoder, posts)

    def pool(regions: list[Rows]) -> Rows:
        return _pooled_regions(encoder, from_stored(torch.from_numpy(np.stack(regions))), precision)

    def encode(rows: Sequence[int]) -> Iterator[Rows]:
        return files.encoded(rows, 0, precision)

    view = _kept(Path(cache), encoder, precision, files.keys, encode, pool, "encoding pictures")
    return _vectors(view, files.rows, files.usable(view), encoder.width)


def _kept(
    cache: Path,
    encoder: CaptionEncoder | ImageEncoder,
    precision: FeaturePrecision,
    keys: list[str],
    encode: Callable[[Sequence[int]], Iterator[Rows]],
    pool: Callable[[list[Rows]], Rows],
    what: str,
) -> FeatureView:
    """Return the pooled vectors of items: those that are kept, those of features that are kept, and new ones."""
    fingerprint = encoder.fingerprint()
    features = FeatureCache(cache, fingerprint, stored_type(precision))

    def compute(positions: Sequence[int]) -> Iterator[Rows]:
        held = features.held([keys[position] for position in positions]).tolist()
        known, new = ([one for one, is_held in zip(positions, held, strict=True) if is_held is kind] for kind in _BOTH)
        view = features.get_or_compute(
            [keys[position] for position in known], lambda missing: encode([known[item] for item in missing]), what
        )
        kept, fresh = (view[item] for item in range(len(known))), encode(new)
        for part in parts_of(range(len(positions)), _BATCH):
            found = [next(kept) if held[place] else next(fresh) for place in part]
            some = [one for one in found if len(one)]
            vectors = iter(pool(some)) if some else iter(())
            yield from (next(vectors)[None] if len(one) else np.empty((0, encoder.width)) for one in found)

    store = FeatureCache(cache, f"{fingerprint} pooled {precision}", np.float32)
    return filled(store, keys, compute, what)


def _vectors(view: FeatureView, items: NDArray[np.int64], present: NDArray[np.bool_], width: int) -> Floats:
    """Return the vector of each post, zeros where it is not present."""
    vectors = np.zeros((len(items), width), np.float32)
    rows = np.flatnonzero(present)
    if len(rows):
        vectors[rows] = view.batch(items[rows])[0][:, 0].cpu().numpy()
    return vectors


@torch.no_grad()
def pooled_captions(encoder: CaptionEncoder, inputs: CaptionInputs, precision: FeaturePrecision) -> Floats:
    """Return the mean over the tokens of each caption, (N, C), zeros without one."""
    lengths, device = inputs.lengths(), device_of(encoder)

    def pool(rows: list[int]) -> Floats:
        features, mask = (tensor.to(device) for tensor in inputs.batch(rows))
        words = encoder(features, mask) if features.dim() == 2 else features
        return _pooled_words(encoder, words, mask, precision) * inputs.present()[rows, None]

    return _pooled(lengths, encoder.width, pool)


@torch.no_grad()
def pooled_images(encoder: ImageEncoder, inputs: ImageInputs, precision: FeaturePrecision) -> Floats:
    """Return the mean over the regions of each picture, (N, C), zeros without one."""
    device = device_of(encoder)

    def pool(rows: list[int]) -> Floats:
        features = inputs.batch(rows)
        if features is None:
            return np.zeros((len(rows), encoder.width), np.float32)
        features = features.to(device)
        regions = encoder(features) if features.dim() == 4 else features
        return _pooled_regions(encoder, regions, precision) * inputs.present()[rows, None]

    return _pooled(np.zeros(len(inputs.present()), np.int64), encoder.width, pool)


@torch.no_grad()
def _pooled_words(
    encoder: CaptionEncoder, words: torch.Tensor, mask: torch.Tensor, precision: FeaturePrecision
) -> Rows:
    device = device_of(encoder)
    pooled: Floats = encoder.pool(rounded(words.to(device), precision), mask.to(device)).cpu().numpy()
    return pooled


@torch.no_grad()
def _pooled_regions(encoder: ImageEncoder, regions: torch.Tensor, precision: FeaturePrecision) -> Rows:
    pooled: Floats = rounded(regions.to(device_of(encoder)), precision).mean(1).cpu().numpy()
    return pooled


def _pooled(lengths: NDArray[np.int64], width: int, pool: Callable[[list[int]], Floats]) -> Floats:
    """Return what `pool` gives for each row, by all processes; rows of similar length share a batch."""

    def work(rows: Sequence[int]) -> list[Floats]:
        vectors: dict[int, Floats] = {}
        order = sorted(rows, key=lambda row: int(lengths[row]))
        for start in range(0, len(order), _BATCH):
            part = order[start : start + _BATCH]
            vectors.update(zip(part, pool(part), strict=True))
        return [vectors[row] for row in rows]

    found = map_processes(range(len(lengths)), work)
    return np.stack(found).astype(np.float32) if found else np.empty((0, width), np.float32)
