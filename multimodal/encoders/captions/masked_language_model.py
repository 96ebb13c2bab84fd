"""Masked language models of the transformers library, from a folder or the hub, or small and from scratch."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator

from data_loaders.errors import ConfigError, RunError
from multimodal.config import Section
from multimodal.encoders.captions.schemas import DEFAULT_TRANSFORMER, TransformerEncoderConfig
from multimodal.encoders.captions.transformer import TransformerCaptionEncoder
from multimodal.encoders.captions.transformer_files import (
    find_folder,
    learned_tokenizer,
    quietly,
    read_folder,
    save_folder,
)
from multimodal.encoders.storage import read_description

logger = logging.getLogger(__name__)

MASK_TOKEN = "[MASK]"
_OPTION = "encoder"
_LAYER_WIDTHS = 4  # inner width of a layer over its outer one, as in BERT


class MaskedModelConfig(Section):
    """Which masked language model, and the source of its weights."""

    pretrained: str | None = Field(
        default=None, description=f"local folder, hub id or run; null: {DEFAULT_TRANSFORMER}"
    )
    random_init: bool = Field(
        default=False,
        description="random weights; without `pretrained` a BERT of the sizes below, tokens learned from captions",
    )
    maximum_tokens: int = Field(default=128, ge=16, description="longer captions are truncated, hashtags included")
    width: int = Field(default=128, ge=8, description="from scratch: vector width of a token")
    hidden: int | None = Field(default=None, ge=1, description="from scratch: inner width of a layer; null: 4 width")
    layers: int = Field(default=2, ge=1, description="from scratch: layers")
    heads: int = Field(default=4, ge=1, description="from scratch: attention heads")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="from scratch: dropout")
    vocabulary_size: int = Field(default=8000, ge=300, description="from scratch: tokens learned, without hashtags")
    learning_rate: float | None = Field(
        default=None, gt=0, description="null: that of the training, its encoder_learning_rate if pretrained"
    )

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> MaskedModelConfig:
        if self.random_init and self.pretrained is None and self.width % self.heads:
            raise ValueError(f"width={self.width} cannot be divided among heads={self.heads}")
        return self

    def body_config(self) -> TransformerEncoderConfig:
        """Return the configuration of the network's body, a caption encoder."""
        return TransformerEncoderConfig(
            pretrained=self.pretrained, random_init=self.random_init, maximum_tokens=self.maximum_tokens
        )


@dataclass(frozen=True, slots=True)
class MaskedLanguageModel:
    """A masked language model and its tokenizer.

    Attributes:
        model: returns `logits` (B, T, tokens); its decoder shares the input embeddings if the architecture ties them.
        tokenizer: belongs to the model.
        fresh: randomly initialised parameters of a model that is otherwise pretrained.
    """

    model: Any
    tokenizer: Any
    fresh: frozenset[str] = frozenset()

    def body(self, config: MaskedModelConfig) -> TransformerCaptionEncoder:
        """Return the network without its head as a caption encoder that shares its weights.

        Raises:
            ConfigError: `maximum_tokens` exceeds the model's number of positions.
        """
        return TransformerCaptionEncoder(config.body_config(), self.model.base_model, self.tokenizer)


def build_masked_model(config: MaskedModelConfig, train_captions: Iterable[str]) -> MaskedLanguageModel:
    """Load pretrained weights, or start from random ones.

    Raises:
        ConfigError: the weights are not available or do not fit, or it is not a masked language model.
    """
    folder = find_masked_model(config)
    if folder is None:
        return _small_model(config, train_captions)
    return _read(folder, config.random_init, f"{_OPTION}.pretrained={config.pretrained or DEFAULT_TRANSFORMER!r}")


def find_masked_model(config: MaskedModelConfig) -> Path | None:
    """Return the model's folder, fetched now if it is on the hub; None for a small random model.

    Raises:
        ConfigError: there is none.
    """
    if config.random_init and config.pretrained is None:
        return None
    try:
        return find_folder(config.pretrained or DEFAULT_TRANSFORMER, weights=not config.random_init)
    except ConfigError as error:
        raise ConfigError(str(error).replace(f"{TransformerCaptionEncoder.section}.", f"{_OPTION}.")) from None


def save_masked_model(folder: Path, config: MaskedModelConfig, network: MaskedLanguageModel) -> None:
    """Write a folder that is both a masked language model for transformers and a caption encoder, its body.

    Raises:
        RunError: the folder cannot be written.
    """
    save_folder(folder, config.body_config(), network.model, network.tokenizer, "masked language model")


def load_masked_model(folder: Path) -> MaskedLanguageModel:
    """Read a folder that `save_masked_model` wrote, offline, in evaluation mode.

    Raises:
        RunError: the folder is missing or damaged, or lacks weights of the head.
    """
    read_description(folder, "caption")
    try:
        network = _read(folder, random_weights=False, option=str(folder))
    except ConfigError as error:
        raise RunError(str(error)) from None
    if network.fresh:
        raise RunError(f"{folder} lacks weights of its head: {', '.join(sorted(network.fresh))}.")
    network.model.eval()
    return network


def hashtag_token(hashtag: str) -> str:
    """Return the token of a canonical hashtag."""
    return f"#{hashtag}"


def add_hashtag_tokens(network: MaskedLanguageModel, hashtags: Sequence[str], frequencies: NDArray[np.int64]) -> None:
    """Give every hashtag a token of its own.

    The embedding of a new token starts as the mean over the tokens its text is split into, and its decoder bias, if
    there is one, as the logarithm of its share among the hashtags. The tokens are special: no caption can contain them.

    Args:
        network: its embeddings and decoder grow.
        hashtags: canonical and unique; those that already have a token keep it.
        frequencies: (hashtags,) number of uses of each, at least 1.
    """
    from transformers import AddedToken

    model, tokenizer = network.model, network.tokenizer
    known = tokenizer.get_vocab()
    new = [(hashtag, count) for hashtag, count in zip(hashtags, frequencies, strict=True)
           if hashtag_token(hashtag) not in known]  # fmt: skip
    if not new:
        return
    names = [hashtag for hashtag, _ in new]
    pieces = tokenizer(names, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    make_token: Any = AddedToken
    tokens = [make_token(hashtag_token(name), special=True, normalized=False) for name in names]
    tokenizer.add_tokens(tokens, special_tokens=True)
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        with quietly():
            model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    rows, bias = model.get_input_embeddings().weight, model.get_output_embeddings().bias
    ids = tokenizer.convert_tokens_to_ids([hashtag_token(name) for name in names])
    shares = np.array([count for _, count in new]) / np.sum(frequencies)
    with torch.no_grad():
        for token, parts, share in zip(ids, pieces, shares, strict=True):
            if parts:
                rows[token] = rows[parts].mean(0)
            if bias is not None:
                bias[token] = float(np.log(share))


def hashtag_token_ids(tokenizer: Any, hashtags: Sequence[str]) -> list[int]:
    """Return the token id of each hashtag.

    Raises:
        RunError: a hashtag has no token.
    """
    known = tokenizer.get_vocab()
    missing = [hashtag for hashtag in hashtags if hashtag_token(hashtag) not in known]
    if missing:
        raise RunError(
            f"the tokenizer has no token for {len(missing)} hashtags ({', '.join(missing[:3])}, …): the model folder "
            "is damaged, or put together from two runs; train again."
        )
    return [known[hashtag_token(hashtag)] for hashtag in hashtags]


def _small_model(config: MaskedModelConfig, train_captions: Iterable[str]) -> MaskedLanguageModel:
    from transformers import BertConfig, BertForMaskedLM

    tokenizer = learned_tokenizer(train_captions, config.vocabulary_size, mask_token=MASK_TOKEN)
    settings = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=config.hidden or _LAYER_WIDTHS * config.width,
        hidden_dropout_prob=config.dropout,
        attention_probs_dropout_prob=config.dropout,
        max_position_embeddings=config.maximum_tokens,
        pad_token_id=tokenizer.pad_token_id,
    )
    return MaskedLanguageModel(BertForMaskedLM(settings), tokenizer)


def _read(folder: Path, random_weights: bool, option: str) -> MaskedLanguageModel:
    model, tokenizer, fresh = read_folder(
        folder, random_weights, option, _masked, lambda model, name: name.startswith(model.base_model_prefix + ".")
    )
    if fresh:
        logger.warning("%s has no head for masked tokens: %d weights are initialised randomly", option, len(fresh))
    return MaskedLanguageModel(model, tokenizer, fresh)


def _masked(settings: Any, tokenizer: Any) -> Any:
    from transformers import AutoModelForMaskedLM

    auto: Any = AutoModelForMaskedLM
    if settings.is_encoder_decoder or type(settings) not in auto._model_mapping:
        raise ValueError(f"a model of type {settings.model_type!r} is not a masked language model")
    if tokenizer.mask_token_id is None:
        raise ValueError("its tokenizer has no mask token")
    return auto
