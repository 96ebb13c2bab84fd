"""`build_post`: turn the fields of one record into a post, a post with warnings, or a refusal."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import regex

from data_loaders.errors import DataError, short_repr
from data_loaders.posts import Post
from data_loaders.readers.base import RawPost, Record, Rejected
from data_loaders.readers.extended_json import plain_value
from data_loaders.readers.image_field import read_image
from data_loaders.text.cut_hashtags import without_cut
from data_loaders.text.hashtags import canonical_list, extract, normalise
from data_loaders.text.identifiers import is_rounded, plain_identifier
from data_loaders.text.mojibake import undo_evident
from data_loaders.text.tag_lists import ACCEPTED as ACCEPTED_HASHTAGS
from data_loaders.text.tag_lists import describe, read_tag_list
from data_loaders.text.timestamps import ACCEPTED as ACCEPTED_TIMESTAMPS
from data_loaders.text.timestamps import read_timestamp

EMPTY = "empty_post"
"""Why a post is refused that has nothing to learn from."""


class _RoundedId(DataError):
    """An id whose last digits are lost."""


_short = partial(short_repr, limit=60)
_MOJIBAKE = "mojibake: "
_INVALID = "invalid_utf8"
_PRINTED_OBJECT = re.compile(r"\{.*:.*\}", re.DOTALL)
# A hashtag that touches a character in place of bytes that could not be read: it may go on, or begin inside a word.
_CUT_HASHTAG = re.compile(r"\ufffd[#＃]|[#＃][^\s#＃]*\ufffd")
_ENTITY_NUMBER = re.compile(r"x[0-9A-Fa-f]{2,6}")
_SURROGATE = regex.compile(r"\p{Cs}")
_ACCEPTED = {
    "post_id": "text or a whole number",
    "user_id": "text, a whole number or null",
    "timestamp": "text, a number or null",
    "caption": "text or null",
}


def build_post(
    fields: Mapping[str, Any], where: str, root: Path, user_id: str | None = None, warnings: tuple[str, ...] = ()
) -> Record:
    """Return the post that a record's fields describe, or why it is refused.

    Args:
        fields: values by field of the exchange format; a missing field counts as null.
        where: file and line of the record.
        root: the folder that image paths are relative to.
        user_id: the user if the record does not name one.
        warnings: earlier warnings about the record.
    """
    post_id: str | None = None
    noted = list(warnings)
    if dict in map(type, fields.values()):
        fields = {name: plain_value(value) for name, value in fields.items()}
    try:
        post_id = _identifier("post_id", fields.get("post_id"))
        if post_id is None:
            return Rejected(
                where=where, reason="missing_post_id", detail="post_id is missing or empty; every post needs one."
            )
        user = _user(fields.get("user_id"), noted) or user_id
        caption = _mended(_text("caption", fields.get("caption")), noted)
        image = read_image(fields.get("image"), root, noted)
        timestamp = _timestamp(fields.get("timestamp"), noted)
        surfaces, given = _surfaces(fields.get("hashtags"), caption, noted)
    except DataError as problem:
        reason = "rounded_id" if isinstance(problem, _RoundedId) else "wrong_type"
        return Rejected(where=where, reason=reason, detail=str(problem), post_id=post_id)
    if _may_be_cut(surfaces, "" if given else caption, noted):
        return Rejected(where=where, reason=_INVALID, detail=_cut_off(noted), post_id=post_id)
    if caption is None and image is None and user is None:
        return Rejected(
            where=where,
            reason=EMPTY,
            detail="The post has no caption, no image and no user; it needs at least one of them.",
            post_id=post_id,
        )
    canonical, kept_surfaces = canonical_list(surfaces)
    return RawPost(
        post=Post(post_id=post_id, user_id=user, timestamp=timestamp, caption=caption, image=image, hashtags=canonical),
        hashtags_surface=kept_surfaces,
        hashtags_given=given,
        warnings=tuple(noted),
        where=where,
    )


def well_formed(text: str) -> str:
    r"""Return text that can be encoded as UTF-8: surrogate pairs are joined, lone surrogates become U+FFFD.

    >>> well_formed("a\ud83d\ude00b\ud83d") == "a😀b\ufffd"
    True
    """
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _wrong_type(field: str, value: object) -> DataError:
    inside = ""
    if isinstance(value, Mapping) and value:
        inside = f" A value inside of it is mapped as --columns {field}=NAME.{next(iter(value))}."
    return DataError(f"{field} is {describe(value)}. Accepted: {_ACCEPTED[field]}.{inside}")


def _is_null(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _identifier(field: str, value: object) -> str | None:
    """Return an id as text.

    Raises:
        DataError: it is of another type, or `_RoundedId`.
    """
    if _is_null(value):
        return None
    if isinstance(value, (str, float)) and is_rounded(value):
        raise _RoundedId(
            f"{field} is {value!r}, a number whose last digits are lost, as in a spreadsheet: different ids become "
            "one. Accepted: the whole id."
        )
    if (isinstance(value, float) and value.is_integer()) or (isinstance(value, Decimal) and _is_whole(value)):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise _wrong_type(field, value)
    if _PRINTED_OBJECT.fullmatch(value.strip()):
        raise DataError(
            f"{field} is {_short(value)}, an object that was printed as text. Accepted: {_ACCEPTED[field]}. "
            f"Map a column that holds only the id: --columns {field}=NAME."
        )
    return plain_identifier(well_formed(value)) or None


def _is_whole(value: Decimal) -> bool:
    return value.is_finite() and value == value.to_integral_value()


def _user(value: object, warnings: list[str]) -> str | None:
    try:
        return _identifier("user_id", value)
    except _RoundedId as problem:
        warnings.append(f"rounded_id: {problem} The post counts as without a user.")
        return None


def _text(field: str, value: object) -> str | None:
    if _is_null(value):
        return None
    if not isinstance(value, str):
        raise _wrong_type(field, value)
    return well_formed(value) if value.strip() else None


def _mended(text: str | None, warnings: list[str]) -> str | None:
    """Return text with UTF-8 that was read as Latin-1 undone, noting it once for each record."""
    undone = undo_evident(text) if text else None
    if text is None or undone is None:
        return text
    if not any(warning.startswith(_MOJIBAKE) for warning in warnings):
        warnings.append(f"{_MOJIBAKE}{_short(text)} is UTF-8 read as Latin-1 (mojibake) and becomes {_short(undone)}")
    return undone


def _timestamp(value: object, warnings: list[str]) -> datetime | None:
    if _is_null(value) or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float, date)):
        raise _wrong_type("timestamp", value)
    try:
        return read_timestamp(value)
    except (ValueError, OverflowError) as problem:
        warnings.append(
            f"absurd_timestamp: {_short(str(value))}: {problem}; the post counts as undated; "
            f"accepted: {ACCEPTED_TIMESTAMPS}"
        )
        return None


def _surfaces(value: object, caption: str | None, warnings: list[str]) -> tuple[list[str], bool]:
    if _is_null(value) or (isinstance(value, str) and not value.strip()):
        return _extracted(caption or "", warnings), False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        counts = "If the column holds counts, --columns hashtags= reads the hashtags of the captions."
        raise DataError(f"hashtags is {describe(value)}. Accepted: {ACCEPTED_HASHTAGS}. {counts}")
    listed = [_mended(well_formed(surface), warnings) or "" for surface in read_tag_list(value)]
    entities = [surface for surface in listed if _is_entity(surface, caption or "")]
    surfaces = [surface for surface in listed if surface not in entities]
    warnings.extend(
        f"unusable_hashtag: {_short(surface)} is ignored; it is a piece of an HTML entity of the caption"
        for surface in entities
    )
    warnings.extend(
        f"unusable_hashtag: {_short(surface)} is ignored; accepted: letters, marks, numbers and underscores, "
        "at least one letter"
        for surface in surfaces
        if not normalise(surface)
    )
    return surfaces, True


def _extracted(caption: str, warnings: list[str]) -> list[str]:
    found = extract(caption)
    whole = without_cut(caption, found)
    if len(whole) < len(found):
        warnings.append(f"cut_hashtag: {_short('#' + found[-1] + '…')} is ignored; the text was cut off there")
    return whole


def _may_be_cut(surfaces: list[str], caption: str | None, warnings: list[str]) -> bool:
    """Return whether bytes that could not be read were in hashtags, so that what is left of these would be untrue."""
    if not any(warning.startswith(_INVALID) for warning in warnings):
        return False
    return any("\ufffd" in surface for surface in surfaces) or bool(_CUT_HASHTAG.search(caption or ""))


def _cut_off(warnings: list[str]) -> str:
    _, _, seen = next(warning for warning in warnings if warning.startswith(_INVALID)).partition(": ")
    return f"A hashtag may be cut off: {seen}"


def _is_entity(surface: str, caption: str) -> bool:
    """Return whether a listed hashtag is a piece of HTML, as `x27` of `it&#x27;s`, and nothing else in the caption."""
    name = surface.strip().lstrip("#")
    if not _ENTITY_NUMBER.fullmatch(name):
        return False
    without = re.sub(rf"&(?:amp;)*#{name};", "", caption)
    return without != caption and f"#{name}" not in without
