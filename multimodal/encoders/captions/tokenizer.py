"""A byte-level tokenizer learned from the train captions: any script, any text, no unknown token."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

PAD_TOKEN = "[PAD]"
START_TOKEN = "[CLS]"
_SPECIAL_TOKENS = [PAD_TOKEN, START_TOKEN]
# Words keep their combining marks and joiners (Hindi, Persian); every other character is a token of its own.
_WORDS = Regex(r"[\p{L}\p{N}_][\p{L}\p{M}\p{N}_\x{200C}\x{200D}]*|[^\s]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def train_tokenizer(captions: Iterable[str], vocabulary_size: int) -> Tokenizer:
    """Learn byte-pair merges inside words; the same captions give the same tokenizer.

    With a large enough vocabulary, every word seen twice is one token. A rare or unseen word is split into parts, down
    to bytes. Text is normalised to NFKC and lower case.

    Args:
        captions: of the train split only.
        vocabulary_size: most tokens; 256 bytes and two special tokens are always included.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_WORDS, behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=2,
        special_tokens=_SPECIAL_TOKENS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((repair_surrogates(caption) for caption in captions), trainer)
    start = tokenizer.token_to_id(START_TOKEN)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START_TOKEN} $A", special_tokens=[(START_TOKEN, start)]
    )
    return tokenizer


def encode(tokenizer: Tokenizer, captions: Sequence[str], maximum_tokens: int) -> list[NDArray[np.int64]]:
    """Return the token ids of each caption, the start token first, at most `maximum_tokens`."""
    # "[PAD]" in a caption is ordinary text; the saved file does not keep this setting.
    tokenizer.encode_special_tokens = True
    encodings = tokenizer.encode_batch_fast([repair_surrogates(caption) for caption in captions])
    return [np.asarray(encoding.ids[:maximum_tokens], dtype=np.int64) for encoding in encodings]


def repair_surrogates(text: str) -> str:
    """Return text that can be encoded as UTF-8: surrogate pairs are joined, lone surrogates become U+FFFD."""
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
