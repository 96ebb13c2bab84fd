"""The fastText caption encoder: vectors of words and of hashed n-grams, averaged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from multimodal.encoders.base import parameters_of
from multimodal.encoders.captions.ngram_hashing import END_OF_LINE, character_ngrams, text_hash, word_ngram_buckets
from multimodal.encoders.captions.schemas import FastTextEncoderConfig
from multimodal.encoders.captions.word_encoder import WordCaptionEncoder
from multimodal.encoders.captions.words import PAD, UNKNOWN, split_words
from multimodal.encoders.configuration import CaptionEncoderConfig
from multimodal.encoders.registry import register_caption_encoder

# The bits of a token id: the row of its vector, whether it begins a word, the hash of that word.
_ROW_BITS, _HASH_SHIFT = 2**30 - 1, 31
_BEGINS_WORD = 2**30
# In fastText an unknown word has no vector but the end of a line has one, which takes the row of unknown words here.
END = UNKNOWN
_CAPTIONS_AT_ONCE = 4_096
FastTextEncoderType = TypeVar("FastTextEncoderType", bound="FastTextCaptionEncoder")


@register_caption_encoder("fasttext")
class FastTextCaptionEncoder(WordCaptionEncoder):
    """Words and hashed n-grams of fastText (Joulin et al. 2017, arXiv 1607.01759), averaged over the caption.

    A token is a word, or a character n-gram of the preceding word; the last one is the end of the caption. The vectors
    of the word n-grams that start at a word are added to the word's vector. Scaled by (tokens / features), the mean
    over tokens equals fastText's mean over all words and n-grams. An unknown word has no vector of its own.

    Word n-grams and character n-grams share `buckets`. A bucket that occurs in the train captions fewer than
    `minimum_count` times has no vector, where fastText would use its untrained one.

    Attributes:
        ngrams: vectors of the used buckets, row 0 zero; None without n-grams.
        places: (`buckets`,) the row of each bucket in `ngrams`, 0 for none; saved models hold it by this name.
    """

    config_type: ClassVar = FastTextEncoderConfig
    config: FastTextEncoderConfig
    ngrams: nn.Embedding | None
    places: Tensor

    def make_layers(self) -> None:
        """Create the vectors, initialised as in fastText: uniform in ±1 / width."""
        config = self.config
        self.width = config.width
        self.ngrams = None
        if config.word_ngrams > 1 or config.characters is not None:
            self.register_buffer("places", torch.zeros(config.buckets, dtype=torch.int32))
            self._make_ngrams(0)
        self._pieces_of: dict[str, tuple[int, ...]] = {}
        _start(self.words)

    def _make_ngrams(self, filled: int) -> None:
        self.ngrams = nn.Embedding(filled + 1, self.width, padding_idx=0)
        _start(self.ngrams)

    @classmethod
    def build(
        cls: type[FastTextEncoderType], config: CaptionEncoderConfig, train_captions: Iterable[str]
    ) -> FastTextEncoderType:
        """Load the encoder of a run, or learn words and n-grams of the train captions; see `WordCaptionEncoder`."""
        captions = list(train_captions)
        encoder = super().build(config, captions)
        if config.pretrained is None and encoder.ngrams is not None:
            encoder._learn_ngrams(captions)
            encoder.set_trainable()
        return encoder.train()

    def _learn_ngrams(self, captions: Sequence[str]) -> None:
        """Give each bucket that occurs often enough in the captions a vector."""
        counts = np.zeros(self.config.buckets, np.int64)
        if self.config.characters is not None:
            for word, count in Counter(word for caption in captions for word in split_words(caption)).items():
                np.add.at(counts, self._character_buckets(word), count)
        if self.config.word_ngrams > 1:
            for start in range(0, len(captions), _CAPTIONS_AT_ONCE):
                ids, mask = self.pad(self.tokenise(captions[start : start + _CAPTIONS_AT_ONCE]))
                buckets = self._word_ngram_buckets(ids, mask)
                counts += np.bincount(buckets[buckets >= 0].numpy(), minlength=len(counts))
        filled = np.flatnonzero(counts >= self.config.minimum_count)
        self.places[torch.from_numpy(filled)] = torch.arange(1, len(filled) + 1, dtype=torch.int32)
        self._make_ngrams(len(filled))
        self._pieces_of.clear()

    def described(self) -> dict[str, Any]:
        """Return the configuration and the number of buckets with a vector."""
        return {**super().described(), "filled_buckets": 0 if self.ngrams is None else self.ngrams.num_embeddings - 1}

    def make_room(self, described: dict[str, Any]) -> None:
        """Create the vectors of the used buckets."""
        if self.ngrams is not None:
            self._make_ngrams(int(described["filled_buckets"]))

    def layers(self) -> list[list[nn.Parameter]]:
        """Return the vectors, which are the only layer."""
        return [parameters_of(self.words, *([] if self.ngrams is None else [self.ngrams]))]

    def token_spans(self, caption: str) -> None:
        """Return None: a token stands for a word, for pieces of one, or for several words."""
        return None

    def tokenise(self, captions: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return token ids: of the words, of their character n-grams, and of the end."""
        end = END | _BEGINS_WORD | text_hash(END_OF_LINE) << _HASH_SHIFT
        most = self.maximum_tokens - 1
        rows = []
        for caption in captions:
            tokens: list[int] = []
            for word in split_words(caption)[:most]:
                tokens += self._pieces(word)
            rows.append(np.array([*tokens[:most], end], np.int64))
        return rows

    def _pieces(self, word: str) -> tuple[int, ...]:
        pieces = self._pieces_of.get(word)
        if pieces is None:
            row = int(self.vocabulary.ids(word, 1)[0])
            first = (PAD if row == UNKNOWN else row) | _BEGINS_WORD | text_hash(word) << _HASH_SHIFT
            pieces = (first, *self._character_rows(word))
            # Unknown words are not cached, as their number is unbounded.
            if row != UNKNOWN:
                self._pieces_of[word] = pieces
        return pieces

    def _character_rows(self, word: str) -> list[int]:
        buckets = self._character_buckets(word)
        if not len(buckets):
            return []
        rows = self.places.cpu().numpy()[buckets]
        return [len(self.vocabulary) + int(row) for row in rows if row]

    def _character_buckets(self, word: str) -> NDArray[np.int64]:
        if self.config.characters is None:
            return np.empty(0, np.int64)
        ngrams = character_ngrams(word, *self.config.characters)
        return np.array([text_hash(ngram) % self.config.buckets for ngram in ngrams], np.int64)

    def _word_ngram_buckets(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return the buckets (B, T, n - 1) of the word n-grams that start at each token, -1 for none."""
        begins = mask & (token_ids & _BEGINS_WORD).bool()
        word = begins.cumsum(1) - 1
        # Tokens inside a word are skipped: word n-grams join whole words.
        hashes = torch.zeros(len(mask), mask.shape[1] + 1, dtype=torch.int64, device=mask.device)
        hashes.scatter_(1, torch.where(begins, word, mask.shape[1]), token_ids >> _HASH_SHIFT)
        longest, buckets = self.config.word_ngrams, self.config.buckets
        of_words = word_ngram_buckets(hashes[:, :-1], begins.sum(1), longest, buckets)
        of_tokens = of_words.gather(1, word.clamp(min=0).unsqueeze(-1).expand_as(of_words))
        return of_tokens.masked_fill(~begins.unsqueeze(-1), -1)

    def rows(self, token_ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the vectors that each token is the sum of: rows of `words` (B, T) and `ngrams` (B, T, N), 0 for none.

        Args:
            token_ids: (B, T), see `tokenise`.
            mask: (B, T), true at tokens.
        """
        row = torch.where(mask, token_ids & _ROW_BITS, PAD)
        first_ngram = len(self.vocabulary)
        words = torch.where(row < first_ngram, row, PAD)
        if self.ngrams is None:
            return words, None
        hashed = (row - first_ngram).clamp(min=0).unsqueeze(-1)
        if self.config.word_ngrams > 1:
            buckets = self._word_ngram_buckets(token_ids, mask)
            starting = torch.where(buckets >= 0, self.places[buckets.clamp(min=0)].long(), 0)
            hashed = torch.cat([hashed, starting], -1)
        return words, hashed

    def encode_tokens(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return the sum of each token's vectors times (tokens / features) of the caption, (B, T, C)."""
        words, hashed = self.rows(token_ids, mask)
        vectors, features = self.words(words), (words > 0).sum(1)
        if self.ngrams is not None and hashed is not None:
            vectors = vectors + self.ngrams(hashed).sum(2)
            features = features + (hashed > 0).sum((1, 2))
        scale = mask.sum(1) / features.clamp(min=1)
        scaled: Tensor = self.dropout(vectors * scale.to(vectors.dtype)[:, None, None])
        return scaled

    def knows(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions contain a word of the train captions; n-grams do not count, as buckets collide."""
        rows = (ids & _ROW_BITS for ids in self.tokenise(captions))
        return np.array([bool(((row > END) & (row < len(self.vocabulary))).any()) for row in rows], np.bool_)


def _start(table: nn.Embedding) -> None:
    nn.init.uniform_(table.weight, -1 / table.embedding_dim, 1 / table.embedding_dim)
    with torch.no_grad():
        table.weight[PAD] = 0
