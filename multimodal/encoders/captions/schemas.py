"""The configuration of each caption encoder; plain data, so that checking a configuration imports no network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from multimodal.encoders.configuration import MOST_LAYERS, CaptionEncoderConfig, MaximumTokens
from multimodal.encoders.names import CAPTION_SCHEMAS

DEFAULT_TRANSFORMER = "bert-base-multilingual-cased"

Width = Annotated[int, Field(ge=8, description="vector width of a token")]
Hidden = Annotated[int | None, Field(ge=1, description="width of hidden layers; null: `width`")]
Layers = Annotated[int, Field(ge=0, le=MOST_LAYERS, description="layers")]
Heads = Annotated[int, Field(ge=1, description="attention heads")]
Dropout = Annotated[float, Field(ge=0, lt=1, description="dropout")]
VocabularySize = Annotated[int, Field(ge=300, description="tokens learned from the train captions")]
_NO_NGRAMS = "word_ngrams and characters are for name=fasttext; name={name} has no n-grams"


@CAPTION_SCHEMAS.register("small")
class SmallEncoderConfig(CaptionEncoderConfig):
    """`small`: a tokenizer and transformer layers learned from the train captions alone."""

    width: Width = 128
    layers: Layers = 1
    heads: Heads = 4
    dropout: Dropout = 0.1
    vocabulary_size: VocabularySize = 8000

    @model_validator(mode="after")
    def _combination(self) -> SmallEncoderConfig:
        if self.width % self.heads:
            raise ValueError(f"width={self.width} cannot be divided among heads={self.heads}")
        if self.pretrained is not None:
            raise ValueError(
                f"name={self.name} is always trained from scratch; remove `pretrained`, or set name=transformer"
            )
        return self


@CAPTION_SCHEMAS.register("transformer")
class TransformerEncoderConfig(CaptionEncoderConfig):
    """`transformer`: a text encoder of the transformers library."""

    refusals: ClassVar[Mapping[str, str]] = {
        "random_init": "random_init is for name=transformer; other encoders start from random weights anyway"
    }

    name: str = "transformer"
    pretrained: str | None = Field(
        default=None, description=f"a local folder, a hub id or a run; null: {DEFAULT_TRANSFORMER}"
    )
    random_init: bool = Field(
        default=False, description="random weights; without `pretrained`, multilingual BERT's size"
    )
    vocabulary_size: VocabularySize = 8000

    @property
    def from_scratch(self) -> bool:
        """Whether the encoder starts from random weights."""
        return self.random_init


class WordEncoderConfig(CaptionEncoderConfig):
    """The keys that all encoders over whole words have."""

    refusals: ClassVar[Mapping[str, str]] = {
        "word_vectors": "name={name} has a vocabulary of its own and takes no word_vectors"
    }

    width: Width = 128
    dropout: Dropout = 0.1
    vocabulary_size: VocabularySize = 20_000
    minimum_count: int = Field(default=2, ge=1, description="least number of occurrences of a word")
    word_vectors: str | None = Field(
        default=None, description="word2vec or GloVe text file; these vectors are not trained"
    )


@CAPTION_SCHEMAS.register("cnn_attention")
class CnnAttentionEncoderConfig(WordEncoderConfig):
    """`cnn_attention`: the sizes of Gong & Zhang (IJCAI 2016) and its public reproduction."""

    name: str = "cnn_attention"
    maximum_tokens: MaximumTokens = 30
    width: Width = 100
    hidden: Hidden = 100
    dropout: Dropout = 0.0


@CAPTION_SCHEMAS.register("fasttext")
class FastTextEncoderConfig(WordEncoderConfig):
    """`fasttext`: words and hashed n-grams."""

    refusals: ClassVar[Mapping[str, str]] = {
        **WordEncoderConfig.refusals,
        "word_ngrams": _NO_NGRAMS,
        "characters": _NO_NGRAMS,
    }

    name: str = "fasttext"
    maximum_tokens: MaximumTokens = 512
    width: Width = 55
    dropout: Dropout = 0.0
    vocabulary_size: VocabularySize = 200_000
    minimum_count: int = Field(default=1, ge=1, description="least number of occurrences of a word or an n-gram")
    word_ngrams: int = Field(default=1, ge=1, le=5, description="longest word n-gram; 1: single words only")
    characters: tuple[int, int] | None = Field(
        default=None, description="shortest and longest character n-gram inside words"
    )
    buckets: int = Field(default=2**20, ge=1, le=2**28, description="number of hash buckets for n-grams")

    @model_validator(mode="after")
    def _two_sizes(self) -> FastTextEncoderConfig:
        if self.characters is not None and not 1 <= self.characters[0] <= self.characters[1] <= 12:
            raise ValueError(f"characters={list(self.characters)}: give two numbers from 1 to 12, the smaller first")
        return self


@CAPTION_SCHEMAS.register("hmemn2n")
class MemoryEncoderConfig(WordEncoderConfig):
    """`hmemn2n`: the mean of word vectors, or an LSTM over them."""

    name: str = "hmemn2n"
    maximum_tokens: MaximumTokens = 50
    width: Width = 100
    hidden: Hidden = None
    layers: Layers = 0
    dropout: Dropout = 0.0


@CAPTION_SCHEMAS.register("lstm")
class LstmEncoderConfig(WordEncoderConfig):
    """`lstm`: the sizes of the #TagFinder slides."""

    name: str = "lstm"
    maximum_tokens: MaximumTokens = 200
    width: Width = 200
    hidden: Hidden = 50
    layers: Layers = 1
    dropout: Dropout = 0.2


@CAPTION_SCHEMAS.register("sa_lstm")
class SaLstmEncoderConfig(WordEncoderConfig):
    """`sa_lstm`: the sizes of Shen et al."""

    name: str = "sa_lstm"
    maximum_tokens: MaximumTokens = 30
    width: Width = 300
    hidden: Hidden = 192
    layers: Layers = 2
    heads: Heads = 6
    dropout: Dropout = 0.2


@CAPTION_SCHEMAS.register("text_resnet")
class TextResNetEncoderConfig(WordEncoderConfig):
    """`text_resnet`: the sizes of the #TagFinder slides and the channels of ResNet-18."""

    name: str = "text_resnet"
    maximum_tokens: MaximumTokens = 200
    width: Width = 200
    hidden: Hidden = 64
    layers: Layers = 4
    dropout: Dropout = 0.0
