"""A byte-level tokenizer learned from the train captions: any script, any text, no unknown token."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from data_loaders.errors import RunError
from multimodal.storage.model_files import checked
from multimodal.storage.run_folder import read_json

PAD_TOKEN = "[PAD]"
START_TOKEN = "[CLS]"
_SPECIAL_TOKENS = [PAD_TOKEN, START_TOKEN]
# Words keep their combining marks and joiners (Hindi, Persian); every other character is a token of its own.
_WORDS = Regex(r"[\p{L}\p{N}_][\p{L}\p{M}\p{N}_\x{200C}\x{200D}]*|[^\s]")
_LARGEST_NUMBER = 10_000_000
_SURROGATE = re.compile("[\ud800-\udfff]")


def train_tokenizer(captions: Iterable[str], vocabulary_size: int) -> Tokenizer:
    """Learn byte-pair merges inside words; the same captions give the same tokenizer.

    With a large enough vocabulary, every word seen twice is one token. A rare or unseen word is split into parts, down
    to bytes. Text is normalised to NFKC and lower case.

    Args:
        captions: of the train split only.
        vocabulary_size: most tokens; 256 bytes and two special tokens are always included.
    """
    tokenizer = _new_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=2,
        special_tokens=_SPECIAL_TOKENS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((repair_surrogates(caption) for caption in captions), trainer)
    tokenizer.post_processor = _post_processor(tokenizer)
    return tokenizer


def _new_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_WORDS, behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _post_processor(tokenizer: Tokenizer) -> processors.PostProcessor:
    start = tokenizer.token_to_id(START_TOKEN)
    return processors.TemplateProcessing(single=f"{START_TOKEN} $A", special_tokens=[(START_TOKEN, start)])


def read_tokenizer(path: Path) -> Tokenizer:
    """Return a tokenizer that `train_tokenizer` learned, from its file.

    Raises:
        RunError: the file is missing or damaged, or it is another tokenizer, which might cut text differently, number
            its tokens with gaps or never end.
    """
    described = checked(path, "tokenizer", read_json(path, "tokenizer"), dict[str, Any])
    check_token_numbers(path, described)
    try:
        with panics_as_errors():
            tokenizer = Tokenizer.from_str(json.dumps(described))
            same = _new_tokenizer()
            same.post_processor = _post_processor(tokenizer)
    # The library raises a bare `Exception` for whatever it cannot read.
    except Exception as error:
        raise RunError(f"{path} (tokenizer) is damaged: {error}") from error
    numbers = sorted(tokenizer.get_vocab().values())
    if _parts(tokenizer) != _parts(same) or numbers != list(range(len(numbers))):
        raise RunError(f"{path} (tokenizer) is damaged: it is not one that this program learns; train again.")
    return tokenizer


def check_token_numbers(path: Path, described: dict[str, Any]) -> None:
    """Refuse the content of a `tokenizer.json` with numbers of tokens that the library would make too much room for.

    Raises:
        RunError: a token has a number above ten million.
    """
    model, added = described.get("model"), described.get("added_tokens")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    numbers = list(vocabulary.values()) if isinstance(vocabulary, dict) else []
    numbers += [token.get("id") for token in added if isinstance(token, dict)] if isinstance(added, list) else []
    largest = max((number for number in numbers if isinstance(number, (int, float))), default=0)
    if not largest <= _LARGEST_NUMBER:
        raise RunError(
            f"{path} (tokenizer) is damaged: a token has the number {largest:,}; at most {_LARGEST_NUMBER:,}."
        )


def _parts(tokenizer: Tokenizer) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(tokenizer.to_str())
    return {part: described[part] for part in ("normalizer", "pre_tokenizer", "post_processor", "decoder")}


@contextmanager
def panics_as_errors() -> Iterator[None]:
    """Turn a panic of the tokenizers library, which is no `Exception`, into an error.

    Raises:
        RunError: the library panicked.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise RunError(f"the tokenizer cannot be used: {error}") from error


def encode(tokenizer: Tokenizer, captions: Sequence[str], maximum_tokens: int) -> list[NDArray[np.int64]]:
    """Return the token ids of each caption, the start token first, at most `maximum_tokens`."""
    # "[PAD]" in a caption is ordinary text; the saved file does not keep this setting.
    tokenizer.encode_special_tokens = True
    encodings = tokenizer.encode_batch_fast([repair_surrogates(caption) for caption in captions])
    return [np.asarray(encoding.ids[:maximum_tokens], dtype=np.int64) for encoding in encodings]


def spans(tokenizer: Tokenizer, caption: str, maximum_tokens: int) -> tuple[str, list[tuple[int, int]]]:
    """Return the caption as it is cut, and the characters of it that each token of `encode` stands for."""
    tokenizer.encode_special_tokens = True
    text = repair_surrogates(caption)
    return text, list(tokenizer.encode(text).offsets[:maximum_tokens])


def repair_surrogates(text: str) -> str:
    """Return text that can be encoded as UTF-8: surrogate pairs are joined, lone surrogates become U+FFFD."""
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
