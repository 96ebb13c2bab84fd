"""`Attention`: where a network looked in one post, and how it weighed picture against caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex
from numpy.typing import NDArray

from data_loaders.text.phrases import UNSPACED

Box = tuple[float, float, float, float]
# In scripts without spaces each character is a word.
_WORD = regex.compile(rf"[{UNSPACED}]\p{{M}}*|[^\s{UNSPACED}]+")


@dataclass(frozen=True, slots=True)
class AttendedWords:
    """The words of a caption.

    Attributes:
        text: the caption as the network read it.
        places: (N, 2) where each word begins and ends in it, in characters.
        weights: (N,) share of the attention on each, 0..1.
        elsewhere: share on what is not a word, such as the token before the first one, 0..1; all sum to 1.
    """

    text: str
    places: NDArray[np.int64]
    weights: NDArray[np.float64]
    elsewhere: float


@dataclass(frozen=True, slots=True)
class AttendedPicture:
    """The regions of a picture.

    Attributes:
        weights: (R, C) share of the attention on each region, from the top left, 0..1; they sum to 1.
        seen: left, top, right, bottom of the part that was looked at, as shares of the upright picture; networks crop.
    """

    weights: NDArray[np.float64]
    seen: Box


@dataclass(frozen=True, slots=True)
class Attention:
    """Where a network looked in one post.

    Attributes:
        words: None without a caption, or where the network does not look at words one by one.
        picture: None without a picture, or where the network does not look at regions.
        picture_weight: of the picture against the caption, 0..1; None where they are not weighed.
    """

    words: AttendedWords | None
    picture: AttendedPicture | None
    picture_weight: float | None


def attended_words(text: str, spans: Sequence[tuple[int, int]], weights: NDArray[np.float64]) -> AttendedWords:
    """Return the weights of tokens as those of the words that they belong to.

    Args:
        text: the caption.
        spans: T, the characters that each token stands for; empty for a token that stands for none.
        weights: (T,) of the tokens, which sum to 1.
    """
    places = [word.span() for word in _WORD.finditer(text)]
    starts = np.array([start for start, _ in places], np.int64)
    shares = np.zeros(len(places))
    elsewhere = 0.0
    for (start, end), weight in zip(spans, weights.tolist(), strict=True):
        part = text[start:end]
        # Some tokenizers count the space before a word to it.
        word = int(np.searchsorted(starts, start + len(part) - len(part.lstrip()), "right")) - 1
        if part.strip() and word >= 0:
            shares[word] += weight
        else:
            elsewhere += weight
    return AttendedWords(text, np.array(places, np.int64).reshape(-1, 2), shares, elsewhere)
