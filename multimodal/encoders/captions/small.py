"""The small caption encoder: a tokenizer and transformer layers learned from the train captions only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn

from multimodal.encoders.base import CaptionEncoder, parameters_of
from multimodal.encoders.captions.schemas import SmallEncoderConfig
from multimodal.encoders.captions.tokenizer import PAD_TOKEN, encode, read_tokenizer, spans, train_tokenizer
from multimodal.encoders.configuration import CaptionEncoderConfig
from multimodal.encoders.registry import register_caption_encoder
from multimodal.encoders.storage import WEIGHTS_FILE, load_module, read_description, save_weights, write_description
from multimodal.storage.run_folder import write_atomically

TOKENIZER_FILE = "tokenizer.json"
# Measured on 1,500 tweets: twelve epochs with 0.1 learn as much as six with 0.02; with 1.0 hardly anything is learned.
_EMBEDDING_SCALE = 0.02


@register_caption_encoder("small")
class SmallCaptionEncoder(CaptionEncoder):
    """Token and position embeddings, then pre-norm transformer layers."""

    config_type: ClassVar = SmallEncoderConfig
    config: SmallEncoderConfig

    def __init__(self, config: SmallEncoderConfig, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.width = config.width
        self.maximum_tokens = config.maximum_tokens
        self.default_learning_rate = config.learning_rate
        self.pad_id = int(tokenizer.token_to_id(PAD_TOKEN) or 0)
        self.tokens = nn.Embedding(tokenizer.get_vocab_size(), config.width)
        self.positions = nn.Embedding(config.maximum_tokens, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(_block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        nn.init.normal_(self.tokens.weight, std=_EMBEDDING_SCALE)
        nn.init.normal_(self.positions.weight, std=_EMBEDDING_SCALE / 5)

    @classmethod
    def build(cls, config: CaptionEncoderConfig, train_captions: Iterable[str]) -> SmallCaptionEncoder:
        """Train the tokenizer and start from random weights."""
        own = cls.config_type.model_validate(config)
        encoder = cls(own, train_tokenizer(train_captions, own.vocabulary_size))
        encoder.set_trainable()
        return encoder.train()

    @classmethod
    def load(cls, folder: Path) -> SmallCaptionEncoder:
        """Read a folder that `save` wrote, in evaluation mode."""
        config = cls.config_type.model_validate(read_description(folder, "caption")["config"])
        tokenizer = read_tokenizer(Path(folder) / TOKENIZER_FILE)
        encoder = load_module(Path(folder) / WEIGHTS_FILE, lambda: cls(config, tokenizer))
        encoder.set_trainable()
        return encoder.eval()

    def save(self, folder: Path) -> None:
        """Write `encoder.json`, `tokenizer.json` and `weights.safetensors`."""
        folder = Path(folder)
        write_description(folder, "caption", {"config": self.config.model_dump(mode="json")})
        text = self.tokenizer.to_str(pretty=False)
        write_atomically(folder / TOKENIZER_FILE, lambda path: path.write_text(text, encoding="utf-8"))
        save_weights(folder / WEIGHTS_FILE, self)

    def layers(self) -> list[list[nn.Parameter]]:
        """Return each transformer layer's parameters; the final norm belongs to the last layer."""
        layers = [parameters_of(block) for block in self.blocks]
        if layers:
            layers[-1] += parameters_of(self.norm)
        return layers

    def architecture(self) -> dict[str, Any]:
        """Return sizes and the whole tokenizer."""
        sizes = self.config.model_dump(mode="json", include={"name", "maximum_tokens", "width", "layers", "heads"})
        return {**sizes, "tokenizer": json.loads(self.tokenizer.to_str())}

    def tokenise(self, captions: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return token ids; an empty caption is the start token alone."""
        return encode(self.tokenizer, captions, self.maximum_tokens)

    def token_spans(self, caption: str) -> tuple[str, list[tuple[int, int]]]:
        """Return which characters each token stands for, none for the start token."""
        return spans(self.tokenizer, caption, self.maximum_tokens)

    def encode_tokens(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return the last layer's vectors (B, T, C)."""
        positions = torch.arange(token_ids.shape[1], device=token_ids.device)
        hidden = self.dropout(self.tokens(token_ids) + self.positions(positions))  # (B, T, C)
        for block in self.blocks:
            hidden = block(hidden, src_key_padding_mask=~mask)
        normed: Tensor = self.norm(hidden)
        return normed


def _block(config: SmallEncoderConfig) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(
        d_model=config.width,
        nhead=config.heads,
        dim_feedforward=4 * config.width,
        dropout=config.dropout,
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
