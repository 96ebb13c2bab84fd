"""Find and read a model folder of the transformers library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from data_loaders.errors import ConfigError, RunError
from multimodal.encoders.captions.schemas import DEFAULT_TRANSFORMER
from multimodal.encoders.captions.tokenizer import PAD_TOKEN, START_TOKEN, panics_as_errors, train_tokenizer
from multimodal.encoders.captions.transformer_checks import check_folder, check_loaded, check_size, count_numbers
from multimodal.encoders.configuration import CaptionEncoderConfig
from multimodal.encoders.hub import WHERE, how_to_fetch, hub_folder
from multimodal.encoders.storage import encoder_folder, without_memory, write_description
from multimodal.storage.hub_names import looks_like_path, two_readings, what_is_there

OPTION = "encoder.caption"
_HELP = (
    "Give a local folder (config.json, model.safetensors, tokenizer.json): encoder.caption.pretrained=/path/to/folder, "
    "or random weights: encoder.caption.random_init=true."
)
_RANDOM_HELP = (
    "Of this model, random_init=true uses config.json and the tokenizer. Give a local folder that has them: "
    "encoder.caption.pretrained=/path/to/folder, or leave the name out: encoder.caption.pretrained=null."
)
# Nothing is downloaded here, and code that a folder brings along is never run nor offered to be run.
_SAFELY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
_MULTILINGUAL_BERT_TOKENS = 119_547
# The repository has the weights for other frameworks besides.
_MULTILINGUAL_BERT_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt")


def find_folder(name: str, weights: bool) -> Path:
    """Return the local folder of a model, downloaded from the hub unless `name` is a folder.

    Raises:
        ConfigError: the folder does not exist or is not a model, and the hub has none of this name.
    """
    folder = encoder_folder(name) or Path(name).expanduser()
    option = f"{OPTION}.pretrained={name!r}"
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            files = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
            raise ConfigError(f"{option}: the folder has no config.json; it holds {files}. {_HELP}")
        return folder
    help_text = _HELP if weights else _RANDOM_HELP
    if looks_like_path(name):
        raise ConfigError(f"{option}: there is no such folder.{what_is_there(folder)} {help_text} {WHERE}")
    return hub_folder(name, weights, option, f"{two_readings(name)} {help_text} {_how_to_fetch(name)}")


def _how_to_fetch(name: str) -> str:
    return how_to_fetch(name, *(_MULTILINGUAL_BERT_FILES if name.endswith(DEFAULT_TRANSFORMER) else ()))


def _text_encoder(settings: Any, tokenizer: Any) -> Any:
    from transformers import AutoModel, AutoModelForTextEncoding

    if type(settings) in AutoModelForTextEncoding._model_mapping:
        return AutoModelForTextEncoding
    if settings.is_encoder_decoder or not hasattr(settings, "hidden_size"):
        raise ValueError(f"a model of type {settings.model_type!r} is not a text encoder")
    return AutoModel


def read_folder(
    folder: Path,
    random_weights: bool,
    option: str,
    choose: Callable[[Any, Any], Any] = _text_encoder,
    needs: Callable[[Any, str], bool] = lambda _, name: "pooler" not in name,
) -> tuple[Any, Any, frozenset[str]]:
    """Return the model and the tokenizer of a local folder, offline, and which weights are missing but not needed.

    Args:
        folder: in the transformers layout.
        random_weights: use the architecture and the tokenizer only.
        option: the configuration key and value, for the message.
        choose: (configuration, tokenizer) → the class that loads the model; a ValueError refuses them.
        needs: (model, name) → whether a weight must not be missing.

    Raises:
        ConfigError: the folder is unreadable or refused, or the weights do not fit.
    """
    from transformers import AutoConfig, AutoTokenizer

    try:
        check_folder(folder)
        settings = AutoConfig.from_pretrained(folder, **_SAFELY)
        with panics_as_errors():
            tokenizer = AutoTokenizer.from_pretrained(folder, **_SAFELY)
        auto = choose(settings, tokenizer)
        if random_weights:
            return auto.from_config(settings, trust_remote_code=False), tokenizer, frozenset()
        numbers = count_numbers(folder)
        with without_memory():
            check_size(auto.from_config(settings, trust_remote_code=False), numbers)
        with quietly():
            model, report = auto.from_pretrained(
                folder, config=settings, dtype=torch.float32, output_loading_info=True, use_safetensors=True, **_SAFELY
            )
        check_loaded(model, tokenizer)
    # Whatever these libraries raise for a folder that somebody made up, down to a bare `Exception`.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        if "trust_remote_code" in reason:
            reason = "it brings code of its own (`auto_map`), which is never run; give a model that transformers knows"
        raise ConfigError(f"{option} cannot be loaded from {folder}: {reason}") from error
    missing = sorted(name for name in report["missing_keys"] if needs(model, name))
    others = sorted(str(item[0]) if isinstance(item, tuple) else str(item) for item in report["mismatched_keys"])
    if missing or others:
        named = {"missing": missing, "of another shape": others}
        listed = "; ".join(f"{len(names)} {what}: {', '.join(names[:5])}" for what, names in named.items() if names)
        raise ConfigError(f"{option}: the weights in {folder} do not fit its config.json: {listed}.")
    return model, tokenizer, frozenset(report["missing_keys"])


def save_folder(folder: Path, config: CaptionEncoderConfig, model: Any, tokenizer: Any, what: str) -> None:
    """Write a folder in the transformers layout, and `encoder.json`.

    Raises:
        RunError: the folder cannot be written; the message calls it `what`.
    """
    write_description(folder, "caption", {"config": config.model_dump(mode="json")})
    try:
        with quietly():
            model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    except (OSError, RuntimeError) as error:
        raise RunError(f"{folder} ({what}) could not be written: {error}") from error


def learned_tokenizer(train_captions: Iterable[str], vocabulary_size: int, **special_tokens: str) -> Any:
    """Return a tokenizer of the transformers library, learned from the captions."""
    from transformers import PreTrainedTokenizerFast

    make_tokenizer: Any = PreTrainedTokenizerFast
    tokenizer = train_tokenizer(train_captions, vocabulary_size)
    return make_tokenizer(tokenizer_object=tokenizer, pad_token=PAD_TOKEN, cls_token=START_TOKEN, **special_tokens)


def multilingual_bert_size(vocabulary_size: int, train_captions: Iterable[str]) -> tuple[Any, Any]:
    """Return a random model of multilingual BERT's size, and a tokenizer learned from the captions."""
    from transformers import BertConfig, BertModel

    tokenizer = learned_tokenizer(train_captions, vocabulary_size)
    size = max(_MULTILINGUAL_BERT_TOKENS, vocabulary_size)
    return BertModel(BertConfig(vocab_size=size, pad_token_id=tokenizer.pad_token_id)), tokenizer


@contextmanager
def quietly() -> Iterator[None]:
    """Silence the library's progress bars and its report of missing weights, which are checked here."""
    from transformers.utils import logging as untyped

    logging: Any = untyped
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
