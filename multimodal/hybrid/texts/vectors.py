"""`HashtagVectors`: the sentence vector of a hashtag's words; and the mean vector of the last posts with hashtags."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from multimodal.distributed.progress import shared_progress
from multimodal.encoders.base import CaptionEncoder
from multimodal.encoders.features.encoding import device_of
from multimodal.encoders.features.feature_cache import FeatureCache, Rows, caption_key
from multimodal.encoders.kept_outputs import KeptOutputs
from multimodal.hybrid.texts.splitting import WordSplitter
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.questions.postings import Found

Floats = NDArray[np.float32]
# About 170,000 hashtags of a vector of 384 numbers; one that was dropped is encoded again.
_MOST_BYTES = 2**28
# Fewer take a few seconds, and mostly under the bar of what asks for them.
_MANY, _LONGEST_KEY = 256, 64
MOST_KEPT, _FEWEST_POSTS = 32_768, 3


class HashtagVectors:
    """Vectors of hashtags, each encoded once and alone, so that what else is asked for changes no bit of it.

    Args:
        encoder: of captions, frozen.
        splitter: gives the words that are encoded.
        hashtags: those whose vectors a saved model keeps.
        cache: folder for the vectors of many that are asked for at once, so that other runs find them; None for none.
    """

    def __init__(
        self, encoder: CaptionEncoder, splitter: WordSplitter, hashtags: Sequence[str] = (), cache: str | None = None
    ) -> None:
        self._encoder, self.splitter, self.hashtags, self._cache = encoder, splitter, tuple(hashtags), cache
        self._kept = KeptOutputs(_MOST_BYTES)

    @classmethod
    def of_posts(
        cls, encoder: CaptionEncoder, captions: Sequence[str], used: Iterable[str], cache: str | None = None
    ) -> HashtagVectors:
        """Return those of a train split; a saved model keeps the hashtags of three posts or more, at most 32,768.

        Args:
            encoder: of captions, frozen.
            captions: cleaned; their words are the words of hashtags.
            used: the hashtags of the vocabulary, once for each post that has them.
            cache: folder for vectors, None for none.
        """
        # Rarer ones may say who used them, and a model may be shared without its users' posts.
        frequent = sorted((-count, hashtag) for hashtag, count in Counter(used).items() if count >= _FEWEST_POSTS)
        return cls(encoder, WordSplitter.of_captions(captions), [hashtag for _, hashtag in frequent[:MOST_KEPT]], cache)

    @property
    def width(self) -> int:
        """D, how long a vector is."""
        return self._encoder.width

    def of(self, hashtags: Sequence[str]) -> Floats:
        """Return the vector of each of n hashtags, (n, D), of length 1 as far as numbers of 16 bits have it."""

        def compute(rows: list[int]) -> list[torch.Tensor]:
            words = [self.splitter.split(hashtags[row]) for row in rows]
            return self._filed(words) if len(rows) >= _MANY else list(map(self._encoded, words))

        found = self._kept.get_or_compute([_key(hashtag) for hashtag in hashtags], compute)
        return torch.stack(found).float().numpy() if found else np.empty((0, self.width), np.float32)

    def keep(self, hashtags: Sequence[str], vectors: NDArray[np.float16]) -> None:
        """Take vectors, (n, D), that `of` returned earlier for n hashtags, in place of encoding them."""
        self._kept.get_or_compute(
            [_key(hashtag) for hashtag in hashtags], lambda rows: [torch.from_numpy(vectors[row]) for row in rows]
        )

    def _filed(self, words: Sequence[str]) -> list[torch.Tensor]:
        """Return the vector of each hashtag's words, those that the cache lacks encoded under a progress bar."""
        if self._cache is None or self._encoder.backend is not None:
            with shared_progress("encoding hashtags", len(words), "hashtags") as advance:
                vectors = []
                for one in words:
                    vectors.append(self._encoded(one))
                    advance(1)
                return vectors

        def encode(places: Sequence[int]) -> Iterator[Rows]:
            return (self._encoded(words[place])[None].numpy() for place in places)

        store = FeatureCache(Path(self._cache), f"{self._encoder.fingerprint()} alone", np.float16)
        view = store.get_or_compute([caption_key(one) for one in words], encode, "encoding hashtags")
        return [torch.from_numpy(view[place][0].copy()) for place in range(len(view))]

    @torch.no_grad()
    def _encoded(self, words: str) -> torch.Tensor:
        device = device_of(self._encoder)
        ids, mask = (one.to(device) for one in self._encoder.pad(self._encoder.tokenise([words])))
        pooled = self._encoder.pool(self._encoder(ids, mask).float(), mask)
        return torch.nn.functional.normalize(pooled, dim=1)[0].half().cpu()


def _key(hashtag: str) -> bytes:
    # Vectors alone count as memory, so no key may be larger than they are; 0xFF is in no text.
    key = hashtag.encode("utf-8", "surrogatepass")
    return key if len(key) <= _LONGEST_KEY else b"\xff" + hashlib.blake2b(key).digest()


def posts_means(memory: PostMemory, space: str, found: Found, count: int) -> Floats:
    """Return the mean of the vectors of the posts that were found for each of n hashtags, (n, D), of length 1 or 0.

    Args:
        memory: which holds the posts.
        space: of their vectors.
        found: posts of each hashtag.
        count: n.
    """
    used, places = np.unique(found.positions, return_inverse=True)
    vectors = unit(memory.vectors_at(space, used))
    bounds = np.searchsorted(found.rows, np.arange(count + 1))
    sums = sparse.csr_matrix((np.ones(len(places), np.float32), places, bounds), (count, len(used)))
    return unit(np.asarray(sums @ vectors, np.float32))


def unit(rows: Floats) -> Floats:
    """Return rows of length 1; zeros stay zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    units: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return units
