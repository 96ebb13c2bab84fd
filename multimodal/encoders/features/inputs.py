"""From posts to the inputs of encoders: token ids and pixels, or cached features of frozen encoders."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data_loaders.batches import CaptionInputs, ImageInputs
from data_loaders.posts import Post
from data_loaders.text.captions import clean_caption
from multimodal.distributed.progress import shown
from multimodal.encoders.base import CaptionEncoder, ImageEncoder, pad_tokens
from multimodal.encoders.features.encoding import PictureFiles, device_of, encoded_captions, filled, pictured
from multimodal.encoders.features.feature_cache import FeatureCache, FeatureView, caption_key
from multimodal.encoders.features.picture_loading import Pictures, PicturesAhead
from multimodal.encoders.features.rounding import FeaturePrecision, from_stored, stored_type
from multimodal.encoders.preprocessing import ImagePreprocessing

logger = logging.getLogger(__name__)

Flags = NDArray[np.bool_]
Stored = NDArray[np.float16] | NDArray[np.int8]
_PIXELS_IN_MEMORY_BYTES = 2**31
_ENCODING_BATCH = 32
_ENCODING_CHUNK = 256


def cleaned_captions(posts: Sequence[Post], profile: str) -> list[str]:
    """Return each post's cleaned caption, "" for none."""
    return [clean_caption(post.caption, profile) for post in posts]


class _Captions:
    """Caption inputs of N posts: `lengths` of every caption in tokens, (N,), and whether it is `present`, (N,)."""

    on_gpu = False

    def __init__(self, lengths: NDArray[np.int64], present: Flags) -> None:
        self._lengths, self._present = lengths, present

    def lengths(self) -> NDArray[np.int64]:
        """Return the number of tokens of every caption."""
        return self._lengths

    def present(self) -> Flags:
        """Return which posts have a caption."""
        return self._present


class NoCaptions(_Captions):
    """Caption inputs of a network without a caption encoder: one token per post, none present."""

    def __init__(self, count: int) -> None:
        super().__init__(np.ones(count, np.int64), np.zeros(count, bool))

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return one empty token per post."""
        return torch.zeros(len(rows), 1, dtype=torch.long), torch.ones(len(rows), 1, dtype=torch.bool)


class TokenCaptions(_Captions):
    """Cleaned captions ("" for none) as token ids, for an encoder that is trained or is called without a cache."""

    def __init__(self, encoder: CaptionEncoder, captions: Sequence[str]) -> None:
        self._tokens = encoder.tokenise(captions)
        self._pad_id = encoder.pad_id
        lengths = np.array([len(row) for row in self._tokens], np.int64)
        super().__init__(lengths, np.array([bool(caption) for caption in captions], bool))

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return token ids (B, T) and mask (B, T)."""
        return pad_tokens([self._tokens[row] for row in rows], self._pad_id)


class FeatureCaptions(_Captions):
    """Captions as features of a frozen encoder, from the cache on disk."""

    def __init__(self, view: FeatureView, lengths: NDArray[np.int64], present: Flags) -> None:
        super().__init__(lengths, present)
        self._view, self.on_gpu = view, view.on_gpu

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return features (B, T, C) and mask (B, T)."""
        features, mask = self._view.batch(rows)
        return from_stored(features), mask


class SelectedCaptions(_Captions):
    """A selection of the posts of caption inputs."""

    def __init__(self, inputs: CaptionInputs, rows: Sequence[int]) -> None:
        self._inputs, self._rows = inputs, np.asarray(rows, np.int64)
        super().__init__(inputs.lengths()[self._rows], inputs.present()[self._rows])
        self.on_gpu = inputs.on_gpu

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return what the inputs give for these rows of the selection."""
        return self._inputs.batch(self._rows[list(rows)].tolist())


class _Images:
    """Image inputs of N posts, with nothing to prefetch; `present`: which posts have a picture, (N,)."""

    on_gpu = False
    decodes = False

    def __init__(self, present: Flags) -> None:
        self._present = present

    def prefetch(self, batches: Sequence[Sequence[int]]) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def present(self) -> Flags:
        """Return which posts have a picture."""
        return self._present


class NoImages(_Images):
    """Image inputs of a network without an image encoder, or of posts without pictures."""

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return None."""
        return None


class TakesPictures(Protocol):
    """An image encoder, or whatever else takes pictures that are prepared as its own `preprocessing` says."""

    preprocessing: ImagePreprocessing


class PixelImages(_Images):
    """Pictures as pixels; kept in memory when all of them fit, else decoded batch by batch, ahead by `workers`."""

    def __init__(self, encoder: TakesPictures, posts: Sequence[Post], workers: int = 0) -> None:
        self._pictures = Pictures(encoder.preprocessing, posts)
        super().__init__(pictured(posts))
        self._size_px = encoder.preprocessing.size_px
        self._workers = workers
        self._pixels: dict[int, Tensor] | None = None
        self._ahead: PicturesAhead | None = None
        if int(self._present.sum()) * 3 * self._size_px**2 <= _PIXELS_IN_MEMORY_BYTES:
            rows: list[int] = np.flatnonzero(self._present).tolist()
            quiet = len(rows) < 500
            # A bar has a thread of its own, even one that is not shown.
            each_row = rows if quiet else shown(rows, "decoding pictures", len(rows), "pictures")
            read = ((row, self._pictures.read_or_leave_out(row)) for row in each_row)
            self._pixels = {row: pixels for row, pixels in read if pixels is not None}
        else:
            for row in np.flatnonzero(self._present).tolist():
                self._pictures.find(row)
        self._mark_left_out()
        self.decodes = self._pixels is None

    def _mark_left_out(self) -> None:
        self._present[list(self._pictures.left_out)] = False

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return pixels (B, 3, S, S), zeros for posts without a picture.

        Where pictures are decoded only now, those of prepared posts that cannot be used are no longer `present`.

        Raises:
            DataError: the picture of another post cannot be used.
        """
        here = [index for index, row in enumerate(rows) if self._present[row]]
        if not here:
            return None
        pixels = torch.zeros(len(rows), 3, self._size_px, self._size_px, dtype=torch.uint8)
        for index, one in zip(here, self._read([rows[index] for index in here]), strict=True):
            pixels[index] = one
        self._mark_left_out()
        return pixels

    def _read(self, rows: list[int]) -> Iterable[Tensor]:
        if self._pixels is not None:
            return [self._pixels[row] for row in rows]
        ahead = None if self._ahead is None else self._ahead.take(rows)
        return (self._read_one(row) for row in rows) if ahead is None else ahead

    def _read_one(self, row: int) -> Tensor:
        pixels = self._pictures.read_or_leave_out(row)
        return torch.zeros(3, self._size_px, self._size_px, dtype=torch.uint8) if pixels is None else pixels

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


class FeatureImages(_Images):
    """Pictures as features of a frozen encoder, from the cache on disk."""

    def __init__(self, view: FeatureView, rows: NDArray[np.int64], present: Flags, patches: int, width: int) -> None:
        super().__init__(present)
        self._view, self._rows, self._shape = view, rows, (patches, width)
        self.on_gpu = view.on_gpu

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return features (B, P, C), zeros for posts without a picture."""
        index = np.asarray(rows)
        here = np.flatnonzero(self._present[index])
        if not len(here):
            return None
        cached = from_stored(self._view.batch(self._rows[index[here]].tolist())[0])
        if len(here) == len(index):
            return cached
        features = torch.zeros(len(index), *self._shape, dtype=cached.dtype, device=cached.device)
        features[torch.from_numpy(here).to(cached.device)] = cached
        return features


class SelectedImages(_Images):
    """A selection of the posts of image inputs."""

    def __init__(self, inputs: ImageInputs, rows: Sequence[int]) -> None:
        self._inputs, self._rows = inputs, np.asarray(rows, np.int64)
        super().__init__(inputs.present()[self._rows])
        self.on_gpu, self.decodes = inputs.on_gpu, inputs.decodes

    def batch(self, rows: Sequence[int]) -> Tensor | None:
        """Return what the inputs give for these rows of the selection."""
        index = self._rows[list(rows)]
        batch = self._inputs.batch(index.tolist())
        self._present[list(rows)] = self._inputs.present()[index]
        return batch

    def prefetch(self, batches: Sequence[Sequence[int]]) -> AbstractContextManager[None]:
        """Prefetch batches of rows of the selection."""
        return self._inputs.prefetch([self._rows[list(rows)].tolist() for rows in batches])


def caption_inputs(
    encoder: CaptionEncoder | None, captions: Sequence[str], cache: str | None, precision: FeaturePrecision = "fp16"
) -> NoCaptions | TokenCaptions | FeatureCaptions:
    """Return the caption inputs of some posts: features where the encoder is frozen and a cache is given.

    What computes in place of torch rounds otherwise, so that its features are not kept.
    """
    if encoder is None:
        return NoCaptions(len(captions))
    tokens = TokenCaptions(encoder, captions)
    if not encoder.frozen or cache is None or encoder.backend is not None:
        return tokens
    store = FeatureCache(Path(cache), encoder.fingerprint(), stored_type(precision))

    keys = [caption_key(caption) for caption in captions]
    view = filled(store, keys, lambda rows: encoded_captions(encoder, tokens, rows, precision), "encoding captions")
    view.move_to(device_of(encoder))
    return FeatureCaptions(view, tokens.lengths(), tokens.present())


def image_inputs(
    encoder: ImageEncoder | None,
    posts: Sequence[Post],
    cache: str | None,
    workers: int = 0,
    precision: FeaturePrecision = "fp16",
) -> NoImages | PixelImages | FeatureImages:
    """Return the image inputs of some posts: features where the encoder is frozen and a cache folder is given.

    What computes in place of torch rounds otherwise, so that its features are not kept.

    Unusable pictures of prepared posts are left out, see `unusable_pictures`.

    Raises:
        DataError: the picture of another post cannot be used.
    """
    present = pictured(posts)
    if encoder is None or not present.any():
        return NoImages(np.zeros(len(posts), bool))
    if not encoder.frozen or cache is None or encoder.backend is not None:
        return PixelImages(encoder, posts, workers)
    store = FeatureCache(Path(cache), encoder.fingerprint(), stored_type(precision))
    files = PictureFiles(encoder, posts)
    view = filled(store, files.keys, lambda rows: files.encoded(rows, workers, precision), "encoding pictures")
    view.move_to(device_of(encoder))
    return FeatureImages(view, files.rows, files.usable(view), encoder.patches, encoder.width)
