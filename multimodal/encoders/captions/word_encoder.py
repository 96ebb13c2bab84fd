"""`WordCaptionEncoder`: the base of caption encoders over whole words."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from data_loaders.errors import ConfigError
from multimodal.encoders.base import CaptionEncoder
from multimodal.encoders.captions.schemas import WordEncoderConfig
from multimodal.encoders.captions.words import (
    PAD,
    SPECIAL_WORDS,
    UNKNOWN,
    WordVocabulary,
    select_word_vectors,
    word_spans,
    word_vectors_file,
)
from multimodal.encoders.configuration import CaptionEncoderConfig, own_learning_rate
from multimodal.encoders.storage import (
    WEIGHTS_FILE,
    load_module,
    read_description,
    save_weights,
    trained_encoder,
    write_description,
)
from multimodal.storage.model_files import Form, Names, read_json_as
from multimodal.storage.run_folder import write_json

WORDS_FILE = "words.json"
WordEncoderType = TypeVar("WordEncoderType", bound="WordCaptionEncoder")


class _Words(Form):
    words: Names


class WordCaptionEncoder(CaptionEncoder):
    """Word vectors, learned or read from a file, and a network over them.

    A subclass creates its layers in `make_layers`, which sets `width`, and implements `encode_tokens` and `layers`.
    Vectors from a file (`word_vectors`) are not trained; words of the train captions that it lacks start at random.

    Attributes:
        words: (W, `config.width`) word vectors, row `PAD` zero.
    """

    config_type: ClassVar[type[WordEncoderConfig]]
    config: WordEncoderConfig

    def __init__(self, config: WordEncoderConfig, vocabulary: WordVocabulary) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        self.maximum_tokens = config.maximum_tokens
        self.default_learning_rate = own_learning_rate(config)
        self.pad_id = PAD
        self.words = nn.Embedding(len(vocabulary), config.width, padding_idx=PAD)
        self.dropout = nn.Dropout(config.dropout)
        self.make_layers()
        nn.init.zeros_(self.words.weight.data[PAD])

    @abstractmethod
    def make_layers(self) -> None:
        """Create the layers behind the word vectors and set `width`."""

    @classmethod
    def build(
        cls: type[WordEncoderType], config: CaptionEncoderConfig, train_captions: Iterable[str]
    ) -> WordEncoderType:
        """Load the encoder of a run, or learn the words of the train captions and start from random weights."""
        own = cls.config_type.model_validate(config)
        if own.pretrained is not None:
            encoder = cls.load(trained_encoder(own))
            encoder.continue_as(own)
        elif own.word_vectors is None:
            words = WordVocabulary.learn(train_captions, own.vocabulary_size, own.minimum_count)
            encoder = cls(own, words)
        else:
            encoder = cls._with_given_vectors(own, own.word_vectors, train_captions)
        encoder.set_trainable()
        return encoder.train()

    @classmethod
    def find_weights(cls, config: CaptionEncoderConfig) -> Path | None:
        """Return the folder of the trained encoder or the file of word vectors that `build` starts from."""
        own = cls.config_type.model_validate(config)
        if own.pretrained is not None:
            return trained_encoder(own)
        return None if own.word_vectors is None else word_vectors_file(own.word_vectors, f"{cls.section}.word_vectors")

    @classmethod
    def _with_given_vectors(
        cls: type[WordEncoderType], config: WordEncoderConfig, path: str, train_captions: Iterable[str]
    ) -> WordEncoderType:
        option = f"{cls.section}.word_vectors"
        known = WordVocabulary.learn(train_captions, config.vocabulary_size, config.minimum_count)
        vectors = select_word_vectors(path, option, known, config.vocabulary_size)
        width = len(next(iter(vectors.values())))
        if width != config.width:
            raise ConfigError(f"{option}={path!r} holds vectors of {width} numbers; set {cls.section}.width={width}.")
        encoder = cls(config, known.extended_by(vectors, config.vocabulary_size))
        table = encoder.words.weight.data
        nn.init.normal_(table[PAD + 1 :], std=float(np.std(list(vectors.values()))))
        for row, word in enumerate(encoder.vocabulary.words, start=len(SPECIAL_WORDS)):
            if word in vectors:
                table[row] = torch.from_numpy(vectors[word])
        return encoder

    @classmethod
    def load(cls: type[WordEncoderType], folder: Path) -> WordEncoderType:
        """Read a folder that `save` wrote, in evaluation mode."""
        described = read_description(folder, "caption")
        config = cls.config_type.model_validate(described["config"])
        words = read_json_as(Path(folder) / WORDS_FILE, "words of the captions", _Words).words

        def make() -> WordEncoderType:
            encoder = cls(config, WordVocabulary(words))
            encoder.make_room(described)
            return encoder

        encoder = load_module(Path(folder) / WEIGHTS_FILE, make)
        encoder.set_trainable()
        return encoder.eval()

    def save(self, folder: Path) -> None:
        """Write `encoder.json`, `words.json` and `weights.safetensors`."""
        folder = Path(folder)
        write_description(folder, "caption", self.described())
        write_json(folder / WORDS_FILE, {"words": self.vocabulary.words})
        save_weights(folder / WEIGHTS_FILE, self)

    def described(self) -> dict[str, Any]:
        """Return the content of `encoder.json`."""
        return {"config": self.config.model_dump(mode="json")}

    def make_room(self, described: dict[str, Any]) -> None:
        """Create the layers whose size follows from `described` alone."""

    def architecture(self) -> dict[str, Any]:
        """Return the configuration and all words."""
        described = self.config.model_dump(mode="json", exclude={"pretrained", "trainable", "learning_rate"})
        return {**described, "words": self.vocabulary.words}

    def tokenise(self, captions: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return word ids; a caption without words becomes one unknown word."""
        return [self.vocabulary.ids(caption, self.maximum_tokens) for caption in captions]

    def token_spans(self, caption: str) -> tuple[str, list[tuple[int, int]]] | None:
        """Return where each word stands in the caption in lower case and NFKC."""
        text, places = word_spans(caption)
        return text, places[: self.maximum_tokens] or [(0, 0)]

    def knows(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions contain a known word."""
        return np.array([bool((ids != UNKNOWN).any()) for ids in self.tokenise(captions)], np.bool_)

    def continue_as(self, config: WordEncoderConfig) -> None:
        """Keep sizes and weights, but take the training settings from another configuration."""
        training = config.model_dump(include={"pretrained", "trainable", "learning_rate", "dropout"})
        self.config = self.config.model_copy(update=training)
        self.default_learning_rate = own_learning_rate(self.config)
        self.dropout.p = config.dropout

    def set_trainable(self) -> None:
        """Make trainable what the configuration says; word vectors from a file are not trained."""
        super().set_trainable()
        if self.config.word_vectors is not None:
            self.words.requires_grad_(False)
