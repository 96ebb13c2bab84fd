"""`PostSpaces`: caption terms and vectors of posts, by which they are compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.posts import Post
from multimodal.baselines.retrieval.config import CAPTION, CONTENT, IMAGE, WORDS, RetrievalConfig
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.encoders.features.pooling import caption_vectors, image_vectors
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.caption_vectors import SLOTS, CaptionVectors
from multimodal.memory.search.likeness import Likeness
from multimodal.systems.base import System

if TYPE_CHECKING:
    import torch

    from multimodal.encoders import CaptionEncoder, ImageEncoder

Floats = NDArray[np.float32]
_BULK_POSTS = 256


@dataclass(frozen=True, slots=True)
class PostSpaces:
    """What gives the terms and vectors of posts; None for a space that is not used, or that the data do not fill.

    Attributes:
        config: how captions are cleaned, and what counts.
        terms: gives the space `words`.
        captions: gives the space `caption`, frozen.
        images: gives the space `image`, frozen.
        content: a fitted System whose memory keeps content vectors.
    """

    config: RetrievalConfig
    terms: CaptionVectors | None = None
    captions: CaptionEncoder | None = None
    images: ImageEncoder | None = None
    content: System | None = None

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each space that counts and that something gives."""
        parts = {WORDS: self.terms, CAPTION: self.captions, IMAGE: self.images, CONTENT: self.content}
        return {space: weight for space, weight in self.config.weights.items() if parts[space] is not None}

    def likeness(self, power: float, decay: float) -> Likeness | None:
        """Return the likeness of posts; None where nothing compares them."""
        return Likeness(self.weights, power, decay) if self.weights else None

    def new_memory(self, id_map: HashtagIdMap) -> PostMemory:
        """Return an empty memory with room for terms and vectors."""
        width = 0 if self.content is None else self.content.new_memory().width
        encoders = ((CAPTION, self.captions), (IMAGE, self.images))
        widths = {space: encoder.width for space, encoder in encoders if encoder is not None}
        return PostMemory(id_map, width, SLOTS if self.terms is not None else 0, widths)

    def add_posts(self, memory: PostMemory, posts: Sequence[Post]) -> None:
        """Append posts with their terms and vectors."""
        if posts:
            vectors = self.vectors_of(posts)
            memory.append(posts, vectors.pop(CONTENT, None), self.terms_of(posts), vectors)

    def terms_of(self, posts: Sequence[Post]) -> sparse.csr_matrix | None:
        """Return the caption terms of N posts, (N, SLOTS); None where words do not count."""
        return None if self.terms is None else self.terms.of(self._cleaned(posts))

    def vectors_of(self, posts: Sequence[Post]) -> dict[str, Floats]:
        """Return the vectors of N posts in each dense space, (N, its width), zeros where a post has none.

        Raises:
            DataError: a picture cannot be used.
        """
        return dict(self._vectors_of(posts))

    def _vectors_of(self, posts: Sequence[Post]) -> Iterator[tuple[str, Floats]]:
        precision, cache = self.config.feature_precision, self._cache(posts)
        if self.captions is not None:
            yield CAPTION, caption_vectors(self.captions, self._cleaned(posts), cache, precision)
        if self.images is not None:
            yield IMAGE, image_vectors(self.images, posts, cache, precision)
        if self.content is not None:
            memory = self.content.new_memory()
            # Numbered, because a question may come twice.
            numbered = [replace(post, post_id=str(row), hashtags=()) for row, post in enumerate(posts)]
            self.content.add_posts(memory, numbered)
            yield CONTENT, memory.vectors

    def use_device(self, device: torch.device) -> None:
        """Compute on this device from now on."""
        for encoder in (self.captions, self.images):
            if encoder is not None:
                encoder.to(device)
        if self.content is not None:
            self.content.use_device(device)

    def _cleaned(self, posts: Sequence[Post]) -> list[str]:
        return cleaned_captions(posts, self.config.caption_profile)

    def _cache(self, posts: Sequence[Post]) -> str | None:
        on_disk = all(post.image is None or isinstance(post.image, (str, Path)) for post in posts)
        return self.config.feature_cache if len(posts) >= _BULK_POSTS and on_disk else None
