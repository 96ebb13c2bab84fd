"""Where the network looked, as the page draws it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_loaders.images.inline import inline_picture
from data_loaders.posts import Post
from data_loaders.text.captions import clean_caption
from multimodal.ranking.attention import AttendedPicture, AttendedWords, Box
from multimodal.recommender import Recommender
from multimodal.systems.caption_profile import profile_of
from multimodal.systems.queries import to_query

_PICTURE_PX = 720
# How dark a part of the picture is that was not looked at.
_DARKEST = 0.8
_ROWS, _COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the cleaned caption.

    Attributes:
        text: the word.
        after: what stands between it and the next one.
        share: of the attention, 0..1; None where the System does not look at words.
        strength: the share against that of the word that was looked at most, 0..1.
    """

    text: str
    after: str = ""
    share: float | None = None
    strength: float = 0.0


@dataclass(frozen=True, slots=True)
class Shade:
    """A part of the picture that is darkened, in shares of its sides.

    Attributes:
        x, y, width, height: where it lies.
        darkness: 0..1.
        share: of the attention, 0..1; None for what the network does not see.
    """

    x: float
    y: float
    width: float
    height: float
    darkness: float
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a model read and where it looked.

    Attributes:
        words: of the cleaned caption.
        cleaned: the cleaned caption as one text.
        picture: as a data URL; None without one.
        shades: over the picture; none where the System does not look at regions.
        most: where it looked most, in words.
        picture_weight: of the picture against the caption, 0..1; None where they are not weighed.
    """

    words: list[Word]
    cleaned: str
    picture: str | None
    shades: list[Shade]
    most: str
    picture_weight: float | None


def look(recommender: Recommender, picture: bytes | None, caption: str | None) -> Look:
    """Return what a model read of a post and where it looked.

    Args:
        recommender: the model.
        picture: its file; None for none.
        caption: as it was written.
    """
    profile = profile_of(recommender.system.config)
    query, _ = to_query(Post(post_id="query", caption=caption), profile=profile)
    cleaned = clean_caption(query.caption, profile)
    told = recommender.attention(picture, caption)
    words, regions = (None, None) if told is None else (told.words, told.picture)
    return Look(
        words=_words(words) if words is not None else [Word(cleaned)],
        cleaned=cleaned,
        picture=None if picture is None else inline_picture(picture, _PICTURE_PX),
        shades=[] if regions is None else _shades(regions),
        most="" if regions is None else _most(regions),
        picture_weight=None if told is None else told.picture_weight,
    )


def _words(words: AttendedWords) -> list[Word]:
    largest = float(words.weights.max(initial=0.0)) or 1.0
    nexts = [*words.places[1:, 0].tolist(), len(words.text)]
    return [
        Word(words.text[start:end], words.text[end:following], weight, weight / largest)
        for (start, end), following, weight in zip(words.places.tolist(), nexts, words.weights.tolist(), strict=True)
    ]


def _shades(regions: AttendedPicture) -> list[Shade]:
    """Return a shade for each region, the darker the less it was looked at, and one for each unseen border."""
    left, top, right, bottom = regions.seen
    rows, columns = regions.weights.shape
    height, width = (bottom - top) / rows, (right - left) / columns
    largest = float(regions.weights.max()) or 1.0
    shades = [
        Shade(left + column * width, top + row * height, width, height, _DARKEST * (1 - share / largest), share)
        for (row, column), share in np.ndenumerate(regions.weights)
    ]
    return [*shades, *(Shade(*box, _DARKEST) for box in _borders(regions.seen) if box[2] > 0 and box[3] > 0)]


def _borders(seen: Box) -> list[Box]:
    left, top, right, bottom = seen
    return [
        (0, 0, 1, top),
        (0, bottom, 1, 1 - bottom),
        (0, top, left, bottom - top),
        (right, top, 1 - right, bottom - top),
    ]


def _most(regions: AttendedPicture) -> str:
    """Return where most of the attention lies, in words."""
    rows, columns = regions.weights.shape
    thirds = np.zeros((3, 3))
    for (row, column), share in np.ndenumerate(regions.weights):
        thirds[int(3 * (row + 0.5) / rows), int(3 * (column + 0.5) / columns)] += share
    row, column = np.unravel_index(int(thirds.argmax()), thirds.shape)
    return f"{_ROWS[row]} {_COLUMNS[column]}"
