"""Events as rows of a table: columns to search by, a JSON document, and one blob of numbers; a checksum over all."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import UserError, short_repr
from multimodal.memory.log.errors import StoreDamagedError
from multimodal.memory.log.events import (
    Event,
    FeedbackGiven,
    PostCorrected,
    PostObserved,
    PostWithdrawn,
    RulesSet,
    Terms,
    UserForgotten,
)
from multimodal.memory.log.pseudonyms import is_pseudonym
from multimodal.memory.search.caption_vectors import SLOTS

OBSERVED, CORRECTED, WITHDRAWN = "observed", "corrected", "withdrawn"
FEEDBACK, RULES, FORGOTTEN = "feedback", "rules", "forgotten"
_KINDS: dict[type, str] = {
    PostObserved: OBSERVED,
    PostCorrected: CORRECTED,
    PostWithdrawn: WITHDRAWN,
    FeedbackGiven: FEEDBACK,
    RulesSet: RULES,
    UserForgotten: FORGOTTEN,
}
_LISTS = ("hashtags", "shown", "accepted", "rejected", "added")
_TEXTS = ("caption", "language")
_OBJECTS = {RULES: ("rules",), FEEDBACK: ("chances", "effects")}
# The same on every machine; nothing else is accepted when rows are read.
_SLOTS, _FLOATS = "<i4", "<f4"
_BYTES_A_NUMBER = 4
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Row:
    """An event as the stores keep it.

    Attributes:
        kind: of event.
        user_id: see the events.
        post_id: see the events.
        instant_us: see the events.
        payload: JSON in ASCII: texts and lists, and type and length of each array of the blob.
        arrays: the blob: slots and weights of the terms, then the vectors; None if there are none.
        checksum: CRC-32 of the others.
    """

    kind: str
    user_id: str | None
    post_id: str | None
    instant_us: int | None
    payload: str
    arrays: bytes | None
    checksum: int


def encode(event: Event) -> Row:
    """Return the row of an event.

    Raises:
        UserError: a value is of the wrong type or range; the message names the event, the field and the value.
    """
    kind = _KINDS.get(type(event))
    if kind is None:
        accepted = ", ".join(known.__name__ for known in _KINDS)
        raise UserError(f"{short_repr(event)} is not an event; accepted: {accepted}.")
    of_user = kind in (RULES, FORGOTTEN)
    post_id = None if of_user else _identifier(event, "post_id", optional=kind == FEEDBACK)
    user_id = _identifier(event, "user_id", optional=not of_user)
    if kind != FORGOTTEN and user_id is not None and is_pseudonym(user_id):
        _refuse(event, "user_id", short_repr(user_id), "any that is not the pseudonym of a forgotten user")
    moment = None if kind in (CORRECTED, WITHDRAWN) else _instant(event)
    payload: dict[str, Any] = {name: _list(event, name) for name in _LISTS if _given(event, name)}
    payload |= {name: _text(event, name) for name in _TEXTS if _given(event, name)}
    payload |= {name: _plain(event, name) for name in _OBJECTS.get(kind, ()) if kind == RULES or getattr(event, name)}
    if _given(event, "mentions"):
        payload["mentions"] = _slots(event, "mentions")
    parts: list[bytes] = []
    if _given(event, "terms"):
        payload["terms"] = _terms(event, parts)
    if _given(event, "vectors"):
        payload["vectors"] = _vectors(event, parts)
    text = json.dumps(payload, separators=(",", ":"))
    return sealed(Row(kind, user_id, post_id, moment, text, b"".join(parts) or None, 0))


def sealed(row: Row) -> Row:
    """Return a row with the checksum of its other columns."""
    return replace(row, checksum=_checksum(row))


def decode(number: int, row: Row, location: str) -> Event:
    """Return the event of a row; its arrays are views, not to be written.

    Args:
        number: of the event, for messages.
        row: as `encode` made it.
        location: of the log, for messages.

    Raises:
        StoreDamagedError: the row is not as it was written.
    """
    if not isinstance(row.payload, str) or _checksum(row) != row.checksum:
        raise _damaged(number, location, "its checksum does not match")
    try:
        return _event(row)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(number, location, f"{type(error).__name__}: {error}") from None


def _damaged(number: int, location: str, reason: str) -> StoreDamagedError:
    return StoreDamagedError(
        f"entry {number} of the log {location} is damaged: {reason}. Restore the log from a backup."
    )


def _checksum(row: Row) -> int:
    columns = f"{row.kind}\0{row.user_id}\0{row.post_id}\0{row.instant_us}\0{row.payload}"
    return zlib.crc32(row.arrays or b"", zlib.crc32(columns.encode("utf-8", "surrogatepass")))


def _event(row: Row) -> Event:
    payload = json.loads(row.payload)
    lists: dict[str, Any] = {name: tuple(payload[name]) for name in _LISTS if name in payload}
    if row.kind == OBSERVED or row.kind == CORRECTED:
        terms, vectors = _read_arrays(payload, row.arrays or b"")
        post: dict[str, Any] = {**lists, **{name: payload[name] for name in _TEXTS if name in payload}}
        post |= {"mentions": tuple(payload["mentions"])} if "mentions" in payload else {}
        post |= {"post_id": row.post_id, "user_id": row.user_id, "terms": terms}
        if row.kind == OBSERVED:
            return PostObserved(**post, vectors=vectors or {}, instant_us=_number(row.instant_us))
        return PostCorrected(**post, vectors=vectors)
    if row.kind == WITHDRAWN:
        return PostWithdrawn(post_id=str(row.post_id), user_id=row.user_id)
    if row.kind == FEEDBACK:
        moment = _number(row.instant_us)
        lists |= {name: dict(payload[name]) for name in _OBJECTS[FEEDBACK] if name in payload}
        return FeedbackGiven(user_id=row.user_id, post_id=row.post_id, instant_us=moment, **lists)
    if row.kind == RULES:
        return RulesSet(user_id=str(row.user_id), instant_us=_number(row.instant_us), rules=dict(payload["rules"]))
    if row.kind == FORGOTTEN:
        return UserForgotten(user_id=str(row.user_id), instant_us=_number(row.instant_us))
    raise ValueError(f"the kind {row.kind!r} is not known")


def _number(value: int | None) -> int:
    if value is None:
        raise ValueError("it has no instant")
    return value


def _read_arrays(payload: Mapping[str, Any], blob: bytes) -> tuple[Terms | None, dict[str, NDArray[np.float32]] | None]:
    start = 0

    def take(dtype: str, length: int, accepted: str) -> NDArray[Any]:
        nonlocal start
        if dtype != accepted:
            raise ValueError(f"numbers of the type {dtype!r}; accepted: {accepted!r}")
        array = np.frombuffer(blob, dtype, length, start)
        start += length * _BYTES_A_NUMBER
        return array

    terms = None
    if "terms" in payload:
        slots, weights, length = payload["terms"]
        terms = Terms(take(slots, length, _SLOTS), take(weights, length, _FLOATS))
    vectors = payload.get("vectors")
    if vectors is not None:
        vectors = {space: take(dtype, width, _FLOATS) for space, (dtype, width) in vectors.items()}
    if start != len(blob):
        raise ValueError(f"{len(blob)} bytes of numbers, {start} are described")
    return terms, vectors


def _refuse(event: Event, name: str, seen: str, accepted: str) -> NoReturn:
    post_id = getattr(event, "post_id", None)
    which = f"{type(event).__name__}{f' of post {short_repr(post_id)}' if name != 'post_id' and post_id else ''}"
    raise UserError(f"{which}: {name} is {seen}; accepted: {accepted}.")


def _given(event: Event, name: str) -> bool:
    """Return whether an event has a value; a post that is observed has its hashtags and vectors in any case."""
    if isinstance(event, PostObserved) and name in ("hashtags", "vectors"):
        return True
    return getattr(event, name, None) is not None


def _identifier(event: Event, name: str, *, optional: bool) -> str | None:
    value: str | None = getattr(event, name)
    if value is None and optional:
        return None
    # A database takes neither a NUL nor half of a surrogate pair.
    if not isinstance(value, str) or not value or "\0" in value or not _is_unicode(value):
        _refuse(event, name, short_repr(value), "a text that is not empty, of valid Unicode without NUL")
    return value


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _instant(event: Event) -> int:
    value = getattr(event, "instant_us", None)
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not -_LARGEST <= value <= _LARGEST:
        _refuse(event, "instant_us", short_repr(value), "microseconds since 1970, a whole number of 64 bits")
    return int(value)


def _text(event: Event, name: str) -> str:
    value = getattr(event, name)
    if not isinstance(value, str):
        _refuse(event, name, short_repr(value), "a text")
    return value


def _list(event: Event, name: str) -> list[str]:
    value = getattr(event, name)
    if not isinstance(value, (tuple, list)) or not all(isinstance(hashtag, str) for hashtag in value):
        _refuse(event, name, short_repr(value), "a tuple of texts")
    return list(value)


def _slots(event: Event, name: str) -> list[int]:
    value = getattr(event, name)
    if not isinstance(value, (tuple, list)) or not all(type(slot) is int and 0 <= slot < SLOTS for slot in value):
        _refuse(event, name, short_repr(value), f"a tuple of whole numbers from 0 to {SLOTS - 1:,}")
    return list(value)


def _plain(event: Event, name: str) -> dict[str, Any]:
    given = getattr(event, name)
    try:
        values = json.loads(json.dumps(given, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        _refuse(event, name, short_repr(given), "a dictionary that JSON can hold")
    return values


def _terms(event: Event, parts: list[bytes]) -> list[Any]:
    terms = getattr(event, "terms", None)
    if not isinstance(terms, Terms):
        _refuse(event, "terms", short_repr(terms), "Terms")
    parts.append(_numbers(event, "terms.slots", terms.slots, np.int32))
    parts.append(_numbers(event, "terms.weights", terms.weights, np.float32))
    if len(terms.slots) != len(terms.weights):
        _refuse(event, "terms", f"{len(terms.slots)} slots and {len(terms.weights)} weights", "as many of both")
    return [_SLOTS, _FLOATS, len(terms.slots)]


def _vectors(event: Event, parts: list[bytes]) -> dict[str, Sequence[Any]]:
    vectors = getattr(event, "vectors", None)
    if not isinstance(vectors, Mapping) or not all(isinstance(space, str) for space in vectors):
        _refuse(event, "vectors", short_repr(vectors), "a mapping from names of spaces to vectors")
    for space, vector in vectors.items():
        parts.append(_numbers(event, f"vectors[{space!r}]", vector, np.float32))
    return {space: (_FLOATS, len(vector)) for space, vector in vectors.items()}


def _numbers(event: Event, name: str, array: object, dtype: type[np.generic]) -> bytes:
    accepted = f"one dimension of {dtype.__name__}, finite"
    if not isinstance(array, np.ndarray):
        _refuse(event, name, short_repr(array), accepted)
    if array.dtype != dtype or array.ndim != 1:
        _refuse(event, name, f"{array.dtype} of shape {array.shape}", accepted)
    if not np.isfinite(array).all():
        _refuse(event, name, "numbers that are not finite", accepted)
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
