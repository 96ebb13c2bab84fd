"""`PostSpaces`: the words and vectors by which the hybrid compares posts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.errors import ConfigError
from data_loaders.posts import Post
from multimodal.encoders import CaptionEncoder, ImageEncoder, build_caption_encoder, build_image_encoder
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.encoders.features.pooling import caption_vectors, image_vectors
from multimodal.hybrid.config import HybridConfig
from multimodal.hybrid.names import HashtagNames
from multimodal.hybrid.sources.base import Questions
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.mentions import mention_slots
from multimodal.memory.search.caption_vectors import SLOTS, CaptionVectors
from multimodal.systems.base import System

Floats = NDArray[np.float32]
CAPTION, IMAGE = "caption", "image"
# So many posts are worth a cache.
_BULK_POSTS = 256
# So many show whether parts weigh words alike.
_COMPARED_POSTS = 64


@dataclass(frozen=True, slots=True)
class PostSpaces:
    """What turns posts into words and vectors.

    Attributes:
        profile: how captions are cleaned.
        terms: words and pairs of words.
        captions, images: frozen encoders; None for none.
        cache: folder for their features; None for none.
    """

    profile: str
    terms: CaptionVectors
    captions: CaptionEncoder | None
    images: ImageEncoder | None
    cache: str | None

    @property
    def widths(self) -> dict[str, int]:
        """The width of each dense space."""
        encoders = {CAPTION: self.captions, IMAGE: self.images}
        return {space: encoder.width for space, encoder in encoders.items() if encoder is not None}

    def use_device(self, device: torch.device) -> None:
        """Move the encoders to this device."""
        for encoder in (self.captions, self.images):
            if encoder is not None:
                encoder.to(device)

    def encoded(self, posts: Sequence[Post]) -> tuple[list[str], sparse.csr_matrix, dict[str, Floats]]:
        """Return cleaned captions, terms and vectors of N posts.

        Raises:
            DataError: a picture cannot be used.
        """
        captions = cleaned_captions(posts, self.profile)
        on_disk = all(post.image is None or isinstance(post.image, (str, Path)) for post in posts)
        cache = self.cache if len(posts) >= _BULK_POSTS and on_disk else None
        vectors: dict[str, Floats] = {}
        if self.captions is not None:
            vectors[CAPTION] = caption_vectors(self.captions, captions, cache, "fp16")
        if self.images is not None:
            vectors[IMAGE] = image_vectors(self.images, posts, cache, "fp16")
        return captions, self.terms.of(captions), vectors

    def questions(self, posts: Sequence[Post], memory: PostMemory) -> Questions:
        """Return posts as sources see them.

        Raises:
            DataError: a picture cannot be used.
        """
        captions, terms, vectors = self.encoded(posts)
        instants = memory.resolve(np.array([post.instant_us for post in posts], np.int64))
        words = CaptionVectors(self.terms.idf).of(captions) if self.terms.bigrams else terms
        names, mentions = HashtagNames(memory.id_map), mention_slots([post.caption for post in posts])
        return Questions(posts, instants, captions, terms, words, vectors, memory, names, mentions)


def build_spaces(config: HybridConfig, train: Sequence[Post], parts: Mapping[str, System]) -> PostSpaces:
    """Make the words and encoders of a hybrid.

    Args:
        config: which.
        train: the train posts.
        parts: other Systems that are sources; words are weighed as theirs are.

    Raises:
        ConfigError: weights are missing, or parts compare captions in different ways.
    """
    captions = [caption for caption in cleaned_captions(train, config.caption_profile) if caption]
    wanted, pictured = config.encoder, any(post.image is not None for post in train)
    sentences = build_caption_encoder(wanted.caption, captions) if wanted.caption and captions else None
    pictures = build_image_encoder(wanted.image) if wanted.image and pictured else None
    terms = _terms(config, captions, train[:_COMPARED_POSTS], parts)
    return PostSpaces(
        config.caption_profile,
        terms,
        None if sentences is None else sentences.eval(),
        None if pictures is None else pictures.eval(),
        config.feature_cache,
    )


def _terms(
    config: HybridConfig, captions: Sequence[str], posts: Sequence[Post], parts: Mapping[str, System]
) -> CaptionVectors:
    """Return how words are weighed, so that every part which compares words can use the same memory."""
    for bigrams in dict.fromkeys((config.bigrams, 0.0)):
        terms = CaptionVectors.fit(captions, bigrams)
        others = [name for name, part in parts.items() if not _weighs_alike(part, terms, posts, config.caption_profile)]
        if not others:
            return terms
    raise ConfigError(
        f"the sources {', '.join(others)} weigh the words of captions otherwise than bigrams={config.bigrams:g} does; "
        "set bigrams to what they were trained with (history.bigrams of DESIGN)."
    )


def _weighs_alike(part: System, terms: CaptionVectors, posts: Sequence[Post], profile: str) -> bool:
    memory = part.new_memory()
    if not memory.slots:
        return True
    part.add_posts(memory, posts)
    own = terms.of(cleaned_captions(posts, profile))
    return memory.slots == SLOTS and (memory.terms_at(np.arange(len(posts))) != own).nnz == 0
