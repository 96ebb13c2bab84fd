"""Any text encoder of the transformers library, from a local folder or the hub; multilingual BERT by default."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from data_loaders.errors import ConfigError, RunError
from multimodal.encoders.base import CaptionEncoder, parameters_of
from multimodal.encoders.captions.schemas import DEFAULT_TRANSFORMER, TransformerEncoderConfig
from multimodal.encoders.captions.tokenizer import panics_as_errors, repair_surrogates
from multimodal.encoders.captions.transformer_files import (
    OPTION,
    find_folder,
    multilingual_bert_size,
    read_folder,
    save_folder,
)
from multimodal.encoders.configuration import CaptionEncoderConfig, own_learning_rate
from multimodal.encoders.registry import register_caption_encoder
from multimodal.encoders.storage import read_description

_MULTILINGUAL_BERT = (DEFAULT_TRANSFORMER, f"google-bert/{DEFAULT_TRANSFORMER}")
# These keys describe the origin of a model, not what it computes.
_NOT_ARCHITECTURE = {"_name_or_path", "transformers_version", "dtype", "torch_dtype", "architectures"}


@register_caption_encoder("transformer")
class TransformerCaptionEncoder(CaptionEncoder):
    """The last hidden states of a transformers text encoder.

    Args:
        config: its `trainable` and `maximum_tokens` are used.
        model: returns `last_hidden_state`; its pooler is removed.
        tokenizer: belongs to the model.

    Raises:
        ConfigError: `maximum_tokens` exceeds the model's number of positions.
    """

    config_type: ClassVar = TransformerEncoderConfig
    config: TransformerEncoderConfig
    model: Any

    def __init__(self, config: TransformerEncoderConfig, model: Any, tokenizer: Any) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.model = model
        if getattr(model, "pooler", None) is not None:
            model.pooler = None  # no output depends on it
        settings = model.config
        self.width = int(settings.hidden_size)
        self.maximum_tokens = config.maximum_tokens
        self.default_learning_rate = own_learning_rate(config)
        self.pad_id = int(next(i for i in (tokenizer.pad_token_id, tokenizer.eos_token_id, 0) if i is not None))
        most = _most_tokens(model, tokenizer)
        if config.maximum_tokens > most:
            raise ConfigError(
                f"{OPTION}.maximum_tokens={config.maximum_tokens}: this model takes at most {most} tokens."
            )
        parameters = inspect.signature(model.forward).parameters
        self._no_cache = {"use_cache": False} if "use_cache" in parameters else {}

    @classmethod
    def build(cls, config: CaptionEncoderConfig, train_captions: Iterable[str]) -> TransformerCaptionEncoder:
        """Load pretrained weights, or start from random ones."""
        own = cls.config_type.model_validate(config)
        folder = cls.find_weights(own)
        if folder is None:
            model, tokenizer = multilingual_bert_size(own.vocabulary_size, train_captions)
        else:
            option = f"{OPTION}.pretrained={own.pretrained or DEFAULT_TRANSFORMER!r}"
            model, tokenizer, _ = read_folder(folder, own.random_init, option)
        encoder = cls(own, model, tokenizer)
        encoder.set_trainable()
        return encoder.train()

    @classmethod
    def find_weights(cls, config: CaptionEncoderConfig) -> Path | None:
        """Return the model's folder; None for random weights of multilingual BERT, whose tokenizer is then learned."""
        own = cls.config_type.model_validate(config)
        name = own.pretrained or DEFAULT_TRANSFORMER
        unnamed = own.pretrained is None or (name in _MULTILINGUAL_BERT and not Path(name).is_dir())
        return None if own.random_init and unnamed else find_folder(name, weights=not own.random_init)

    @classmethod
    def load(cls, folder: Path) -> TransformerCaptionEncoder:
        """Read a folder that `save` wrote, in evaluation mode."""
        config = cls.config_type.model_validate(read_description(folder, "caption")["config"])
        try:
            model, tokenizer, _ = read_folder(Path(folder), random_weights=False, option=str(folder))
        except ConfigError as error:
            raise RunError(str(error)) from None
        encoder = cls(config, model, tokenizer)
        encoder.set_trainable()
        return encoder.eval()

    def save(self, folder: Path) -> None:
        """Write a folder in the transformers layout, and `encoder.json`."""
        save_folder(Path(folder), self.config, self.model, self.tokenizer, "caption encoder")

    def layers(self) -> list[list[nn.Parameter]]:
        """Return each layer's parameters; norms after the last layer belong to it."""
        count = getattr(self.model.config, "num_hidden_layers", None)
        stacks = [
            (name, module)
            for name, module in self.model.named_modules()
            if isinstance(module, nn.ModuleList) and len(module) == count
        ]
        if not stacks:
            return []
        name, stack = stacks[0]
        layers = [parameters_of(layer) for layer in stack]
        named = list(self.model.named_parameters())
        last = max(i for i, (other, _) in enumerate(named) if other.startswith(name + "."))
        layers[-1] += [parameter for other, parameter in named[last + 1 :] if "norm" in other.lower()]
        return layers

    def architecture(self) -> dict[str, Any]:
        """Return the model's configuration and the tokenizer."""
        settings = self.model.config.to_dict()
        described = {key: value for key, value in settings.items() if key not in _NOT_ARCHITECTURE}
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        tokenizer = _tokenizer_json(backend) if backend is not None else sorted(self.tokenizer.get_vocab().items())
        return {
            "maximum_tokens": self.maximum_tokens,
            "model": json.loads(json.dumps(described, default=str)),
            "tokenizer": tokenizer,
        }

    def tokenise(self, captions: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return token ids with the model's own special tokens."""
        if not captions:
            return []
        repaired = [repair_surrogates(caption) for caption in captions]
        with panics_as_errors():
            ids = self.tokenizer(
                repaired, truncation=True, max_length=self.maximum_tokens, return_attention_mask=False, verbose=False
            )["input_ids"]
        # Tokenizers without special tokens return nothing for an empty caption.
        return [np.asarray(row or [self.pad_id], dtype=np.int64) for row in ids]

    def token_spans(self, caption: str) -> tuple[str, list[tuple[int, int]]] | None:
        """Return which characters each token stands for; None from a tokenizer that does not know."""
        if not self.tokenizer.is_fast:
            return None
        text = repair_surrogates(caption)
        with panics_as_errors():
            places = self.tokenizer(
                text, truncation=True, max_length=self.maximum_tokens, return_offsets_mapping=True, verbose=False
            )["offset_mapping"]
        return text, [(int(start), int(end)) for start, end in places] or [(0, 0)]

    def knows(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions contain a token that is neither special nor unknown."""
        special = np.array(self.tokenizer.all_special_ids, np.int64)
        return np.array([not np.isin(ids, special).all() for ids in self.tokenise(captions)], np.bool_)

    def encode_tokens(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Return the model's last hidden states (B, T, C)."""
        output = self.model(input_ids=token_ids, attention_mask=mask.long(), **self._no_cache)
        hidden: Tensor = output.last_hidden_state
        return hidden


def _most_tokens(model: Any, tokenizer: Any) -> int:
    positions = getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    if isinstance(table, nn.Embedding) and table.padding_idx is not None:
        positions = table.num_embeddings - table.padding_idx - 1  # RoBERTa's positions start after the padding
    return int(min(positions, tokenizer.model_max_length))


def _tokenizer_json(backend: Any) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(backend.to_str())
    # These depend on the last call, not on the tokenizer.
    return {key: value for key, value in described.items() if key not in {"truncation", "padding"}}
