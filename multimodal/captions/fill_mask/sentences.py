"""Inputs of the masked language model: "caption #a #b [MASK]", as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data_loaders.errors import ConfigError
from multimodal.encoders.captions.tokenizer import panics_as_errors, repair_surrogates

Ints = NDArray[np.int64]
IGNORED = -100
"""Label of a position that is not predicted, as in torch and transformers."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """B sentences of at most T tokens.

    Attributes:
        token_ids: (B, T).
        mask: (B, T), true where a token is.
        labels: (B, T), at a masked position the index of its hashtag among the live ones (0 if it is not known),
            `IGNORED` everywhere else.
    """

    token_ids: Tensor
    mask: Tensor
    labels: Tensor

    @property
    def masked_positions(self) -> Tensor:
        """The masked positions as indices into the flattened (B · T), (N,)."""
        return (self.labels.flatten() != IGNORED).nonzero()[:, 0]


class SentenceMaker:
    """Joins captions, hashtags and masks; hashtag tokens never come from text, so no caption can spell one.

    Args:
        tokenizer: of the masked language model; has a mask token.
        hashtag_ids: (C,) token id of each live hashtag.
        maximum_tokens: largest T.
        maximum_hashtags: most hashtags and masks of a sentence; captions are cut to leave room for them.
        pad_id: the padding token.

    Raises:
        ConfigError: there is no room for a caption.
    """

    def __init__(
        self, tokenizer: Any, hashtag_ids: Sequence[int], maximum_tokens: int, maximum_hashtags: int, pad_id: int
    ) -> None:
        self._tokenizer, self._pad_id = tokenizer, pad_id
        self._hashtag_ids = np.asarray(hashtag_ids, np.int64)
        self._mask_id = int(tokenizer.mask_token_id)
        self._start, self._end = _frame(tokenizer)
        self._room = maximum_tokens - len(self._start) - len(self._end) - maximum_hashtags
        if self._room < 1:
            raise ConfigError(
                f"encoder.maximum_tokens={maximum_tokens}: maximum_hashtags={maximum_hashtags} leaves no room for a "
                "caption; raise the one or lower the other."
            )

    def tokenise(self, captions: Sequence[str]) -> list[Ints]:
        """Return the tokens of each caption without special ones, cut to leave room for the hashtags."""
        if not captions:
            return []
        with panics_as_errors():
            ids = self._tokenizer(
                [repair_surrogates(caption) for caption in captions],
                add_special_tokens=False,
                # "[MASK]" in a caption is plain text.
                split_special_tokens=True,
                truncation=True,
                max_length=self._room,
                return_attention_mask=False,
                verbose=False,
            )["input_ids"]
        return [np.asarray(row, np.int64) for row in ids]

    def has_known_tokens(self, tokens: Sequence[Ints]) -> NDArray[np.bool_]:
        """Return which tokenised captions have a token other than the unknown one."""
        unknown = self._tokenizer.unk_token_id
        return np.array([bool((row != (-1 if unknown is None else unknown)).any()) for row in tokens], np.bool_)

    def sentences(
        self, captions: Sequence[Ints], shown: Sequence[Sequence[int]], masked: Sequence[Sequence[int]]
    ) -> Sentences:
        """Return "caption, shown hashtags, one mask for each masked hashtag".

        Args:
            captions: B tokenised captions.
            shown: per caption, indices of live hashtags.
            masked: per caption, the hashtags to predict; they appear in the labels only.
        """
        rows, labels = [], []
        for tokens, context, hidden in zip(captions, shown, masked, strict=True):
            context_ids = self._hashtag_ids[np.asarray(context, np.int64)]
            masks = np.full(len(hidden), self._mask_id, np.int64)
            rows.append(np.concatenate([self._start, tokens, context_ids, masks, self._end]))
            label = np.full(len(rows[-1]), IGNORED, np.int64)
            first = len(self._start) + len(tokens) + len(context_ids)
            label[first : first + len(hidden)] = hidden
            labels.append(label)
        lengths = np.array([len(row) for row in rows], np.int64)
        mask = np.arange(int(lengths.max(initial=1))) < lengths[:, None]
        return Sentences(
            _padded(rows, mask, self._pad_id), torch.from_numpy(mask), _padded(labels, mask, IGNORED)
        )  # fmt: skip

    def with_one_mask(self, captions: Sequence[Ints], shown: Sequence[Sequence[int]]) -> Sentences:
        """Return "caption, shown hashtags, one mask"."""
        return self.sentences(captions, shown, [[0]] * len(captions))


def draw_masking(hashtags: Sequence[int], maximum: int, generator: np.random.Generator) -> tuple[list[int], list[int]]:
    """Shuffle a post's hashtags and mask a random suffix of at least one.

    The number of shown hashtags is uniform from 0 to n - 1, so that "caption [MASK]" is as frequent in training as
    "caption #a [MASK]".

    Args:
        hashtags: n hashtags, at least one, without repeats.
        maximum: most hashtags of the sentence; further ones are left out.
        generator: source of randomness.

    Returns:
        The shown and the masked hashtags.
    """
    order = generator.permutation(np.asarray(hashtags, np.int64))[:maximum].tolist()
    shown = int(generator.integers(len(order)))
    return order[:shown], order[shown:]


def _frame(tokenizer: Any) -> tuple[Ints, Ints]:
    """Return the special tokens before and after a text."""
    inner = list(tokenizer("a", add_special_tokens=False)["input_ids"])
    whole = list(tokenizer("a")["input_ids"])
    start = next(i for i in range(len(whole)) if whole[i : i + len(inner)] == inner)
    return np.array(whole[:start], np.int64), np.array(whole[start + len(inner) :], np.int64)


def _padded(rows: Sequence[Ints], mask: NDArray[np.bool_], filler: int) -> Tensor:
    table = np.full(mask.shape, filler, np.int64)
    if len(rows):
        table[mask] = np.concatenate(rows)
    return torch.from_numpy(table)
