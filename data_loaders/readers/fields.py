"""Find the fields of the exchange format under the names that a dump uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from data_loaders.errors import DataError, nearest, some_of
from data_loaders.readers.base import FIELDS
from data_loaders.readers.extended_json import plain_value
from data_loaders.readers.mastodon import are_statuses, status_text
from data_loaders.readers.split_times import complete_time, time_names

ALIASES: Mapping[str, tuple[str, ...]] = {
    "post_id": (
        *("id", "id_str", "tweet_id", "status_id", "media_id", "shortcode", "postid", "pid", "mid", "rest_id"),
        *("legacy_id_str", "微博id"),
    ),
    "user_id": (
        *("user", "userid", "uid", "author_id", "author", "username", "user_name", "screen_name"),
        *("owner_id", "owner", "owner_username", "user_id_str", "user_pk", "user_username", "user_screen_name"),
        *("author_username", "author_meta_id", "legacy_user_id_str", "core_user_results_result_rest_id"),
        "account_id",
        *("用户id", "用户昵称"),
    ),
    "timestamp": (
        *("created_at", "created_time", "created_utc", "created", "datetime", "date_utc", "date", "time"),
        *("taken_at", "taken_at_timestamp", "posted_at", "published_at", "published", "create_time"),
        *("legacy_created_at", "发布时间", "完整日期", "日期"),
    ),
    "caption": (
        *("text", "full_text", "tweet", "content", "message", "body", "description", "title", "raw_content"),
        *("caption_text", "legacy_full_text", "微博正文", "正文", "desc"),
    ),
    "image": (
        *("image_path", "file_name", "filename", "image_file", "img_path", "img", "picture", "photo", "filepath"),
        *("images", "display_url"),
    ),
    "hashtags": (
        *("tags", "hashtag", "tag_list", "hash_tags", "entities_hashtags", "legacy_entities_hashtags", "话题"),
    ),
}
"""Names that are recognised without a mapping, tried in this order if the field's own name is missing."""

_SEPARATORS = re.compile(r"[\s\-.]+")
_INNER_SEPARATORS = re.compile(r"(?<!^)[\s\-._]+")
# Objects that dumps of Twitter, Instagram and Mastodon put fields into; their keys count as `user.id` and so on.
_OBJECTS = frozenset(
    {
        "user",
        "author",
        "owner",
        "account",
        "authormeta",
        "caption",
        "entities",
        "legacy",
        "core",
        "userresults",
        "result",
    }
)
_DEEPEST = 4
# Where Twitter keeps the text and the hashtags of a tweet whose "text" is cut off.
_LONG_TEXTS = (("extended_tweet", "full_text"), ("note_tweet", "text"))
# Tweets from a search for brands: the text, its hashtags, and the brand searched for.
_SEARCHED_TWEETS = frozenset({"text", "created_time", "hashtags", "entity_name"})
# A mapped key may be missing from a few records of a JSON Lines file, but not from the first so many.
_RECORDS_WITHOUT_MAPPED_KEY = 1_000
_MOST_NAMES = 10_000
_MISSING = object()


def resolve(names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return the name of each field among the given names.

    Args:
        names: the columns of a table or the keys of a record.
        columns: the user's mapping; it wins over the field's own name, which wins over its aliases. A field that is
            mapped to an empty name is not read.

    >>> resolve(["id", "body", "createdAt"], {"caption": "body"})
    {'post_id': 'id', 'timestamp': 'createdAt', 'caption': 'body'}
    """
    by_folded = {_SEPARATORS.sub("_", str(name).strip().lower()): name for name in reversed(names)}
    by_squashed = {_squashed(str(name)): name for name in reversed(names)}
    found: dict[str, str] = {}
    for field in FIELDS:
        if field in columns:
            if columns[field] and columns[field] in names:
                found[field] = columns[field]
            continue
        accepted = (field, *ALIASES[field])
        name = next((by_folded[alias] for alias in accepted if alias in by_folded), None)
        if name is None:
            name = next((by_squashed[alias] for alias in map(_squashed, accepted) if alias in by_squashed), None)
        if name is not None:
            found[field] = name
    return found


@lru_cache(maxsize=4_096)
def _squashed(name: str) -> str:
    """Return a name as it reads in any way of joining words: `ownerId`, `owner_id` and `Owner ID` are the same."""
    return _INNER_SEPARATORS.sub("", name.strip()).lower()


def names_inside(record: Mapping[str, Any], depth: int = _DEEPEST) -> list[str]:
    """Return the keys of a record, with the keys of well-known objects such as `user` in place of the objects.

    Args:
        record: a JSON object, or the columns of a table with those of each structure as a mapping.
        depth: how many objects inside of each other to look into.

    >>> names_inside({"user": {"id": 7, "name": "ann"}, "image": {"path": "1.jpg"}})
    ['image', 'user.id', 'user.name']
    """
    names = [key for key, value in record.items() if not _is_known_object(key, value)]
    if depth:
        for key, value in record.items():
            if _is_known_object(key, value):
                names += [f"{key}.{name}" for name in names_inside(value, depth - 1)]
    return names


def _is_known_object(key: str, value: Any) -> bool:
    # `{"$oid": …}` is one value.
    return isinstance(value, Mapping) and _squashed(key) in _OBJECTS and plain_value(value) is value


def value_at(record: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """Return the value of a key, or the one that a dotted name such as `user.id` leads to.

    >>> value_at({"user": {"id": 7}, "media": [{"url": "1.jpg"}]}, "media.0.url")
    '1.jpg'
    """
    if name in record:
        return record[name]
    value: Any = record
    for step in name.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return default
    return value


def unread_names(names: Iterable[str], found: Mapping[str, str]) -> list[str]:
    """Return the names that no field was read from, not even from inside.

    >>> unread_names(["id", "user", "likes"], {"post_id": "id", "user_id": "user.id"})
    ['likes']
    """
    read = {part for name in found.values() for part in _outermost(name)}
    return [name for name in names if name and name not in read]


def _outermost(name: str) -> tuple[str, str]:
    return name, name.partition(".")[0]


def has_no_ids(names: Sequence[str]) -> bool:
    """Return whether this is a table of searched tweets, `text, created_time, hashtags, entity_name`, without ids."""
    return set(names) >= _SEARCHED_TWEETS and "post_id" not in resolve(names, {})


def check_table(names: Sequence[str], columns: Mapping[str, str], where: str, numbered: bool = False) -> dict[str, str]:
    """Return `resolve` for a table, whose columns are known before the first row.

    Args:
        names: names of the columns.
        columns: see `resolve`.
        where: the table, for messages.
        numbered: whether rows without an id are numbered, so that no id column is needed.

    Raises:
        DataError: a mapped column is missing, or there is no id column.
    """
    for field, column in columns.items():
        if column and column not in names:
            raise _missing_column(field, column, names, where)
    found = resolve(names, columns)
    if "post_id" not in found and not numbered:
        raise DataError(
            f"{where} has no column post_id. Columns seen: {listing(names)}. "
            "Name the column that identifies posts with --columns post_id=NAME; if there is none, "
            "--number-rows makes ids from the file name and the row number."
        )
    return found


def listing(names: Sequence[str], limit: int = 20) -> str:
    """Return names for a message, shortened if there are many.

    >>> listing(["id", "body", "likes"], limit=2)
    "'id', 'body' and 1 more"
    """
    return some_of([repr(str(name)[:60]) for name in names], limit) or "none"


class _Names(NamedTuple):
    """What records with the same keys hold.

    Attributes:
        fields: the name of each field.
        times: the names of what completes the date in the timestamp's place.
        are_statuses: whether they are statuses of Mastodon.
    """

    fields: dict[str, str]
    times: tuple[str, ...]
    are_statuses: bool


class KeyMapper:
    """Finds the fields of JSON records, whose keys can differ from record to record.

    Args:
        columns: the user's mapping from fields to keys; a dotted name leads into objects.
        mapping_used: receives each field that was found under another name.
        unread: receives the keys that no field was read from.
        where: the file, for messages.
        from_start: whether the first record is that of the dump; a part that begins later may lack mapped keys.

    Attributes:
        warnings: about the fields that were found last.
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        mapping_used: dict[str, str],
        unread: dict[str, None],
        where: str,
        from_start: bool = True,
    ) -> None:
        self._columns = columns
        self._mapping_used = mapping_used
        self._unread = unread
        self._where = where
        self.warnings: tuple[str, ...] = ()
        self._resolved: dict[tuple[str, ...], _Names] = {}
        self._read: set[str] = set()
        self._unseen = {field: key for field, key in columns.items() if key}
        self._seen_at: dict[str, int] = {}
        self._from_start = from_start
        self._records = 0
        self._last_keys: tuple[str, ...] = ()

    def fields(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record's fields under their names in the exchange format, without missing fields.

        Raises:
            DataError: none of the first 1,000 records has a mapped key.
        """
        names, times, statuses = self._names(record)
        values = {field: value_at(record, name) for field, name in names.items()}
        if "text" in record:
            values.update(_long_text(record, names))
        for field, key in self._columns.items():
            value = value_at(record, key, _MISSING) if key else _MISSING
            if value is not _MISSING:
                values[field] = value
                if field in self._unseen:
                    del self._unseen[field]
                    self._seen_at[field] = self._records + 1
                if key != field:
                    self._mapping_used.setdefault(field, key)
        self.warnings = ()
        if statuses:
            values["caption"] = status_text(values["caption"])
        if times:
            parts = [record[name] for name in times]
            values["timestamp"], self.warnings = complete_time(values["timestamp"], parts)
        self._records += 1
        self._last_keys = tuple(record)
        if self._unseen and self._from_start and self._records >= _RECORDS_WITHOUT_MAPPED_KEY:
            self.finish()
        return values

    def _names(self, record: Mapping[str, Any]) -> _Names:
        objects = [key for key, value in record.items() if _is_known_object(key, value)]
        keys = tuple(names_inside(record)) if objects else tuple(record)
        names = self._resolved.get((*keys, *objects))
        if names is None:
            # An object that holds no such field is found itself, so that it is refused and not passed over.
            fields = {**resolve(objects, self._columns), **resolve(keys, self._columns)}
            names = _Names(fields, time_names(tuple(record), fields), are_statuses(record, fields))
            if len(self._resolved) < _MOST_NAMES:
                self._resolved[(*keys, *objects)] = names
            self._note(record, names)
        return names

    def _note(self, record: Mapping[str, Any], names: _Names) -> None:
        for field, name in names.fields.items():
            shown = " + ".join((name, *names.times)) if field == "timestamp" else name
            if shown != field:
                self._mapping_used.setdefault(field, shown)
        read = (*names.fields.values(), *self._columns.values())
        self._read |= {part for name in read for part in _outermost(name)} | set(names.times)
        for name in record:
            if name in self._read:
                self._unread.pop(name, None)
            elif len(self._unread) < _MOST_NAMES:
                self._unread[name] = None

    def finish(self) -> None:
        """Check that every mapped key has been seen.

        Raises:
            DataError: a mapped key was never seen.
        """
        if self._unseen and self._records:
            field, key = next(iter(self._unseen.items()))
            raise _missing_column(field, key, self._last_keys, self._where)

    def tallies(self) -> dict[str, Any]:
        """Return what was seen as values for JSON: which keys were read, and where mapped ones occurred first."""
        return {
            "records": self._records,
            "read": sorted(self._read),
            "seen_at": self._seen_at,
            "last_keys": list(self._last_keys),
        }


def join_keys(
    parts: Sequence[tuple[Mapping[str, str], Sequence[str], Mapping[str, Any]]], columns: Mapping[str, str], where: str
) -> tuple[dict[str, str], list[str]]:
    """Return what a `KeyMapper` of several parts of a dump would have found in the whole.

    Args:
        parts: of each `mapping_used`, `unread` and `tallies`.
        columns: the user's mapping.
        where: the file, for messages.

    Returns:
        `mapping_used` and `unread` of the whole.

    Raises:
        DataError: none of the first 1,000 records has a mapped key, or none at all.
    """
    mapping: dict[str, str] = {}
    unread: dict[str, None] = {}
    seen_at: dict[str, int] = {}
    records = 0
    for mapping_of_part, unread_of_part, tallies in parts:
        mapping = {**mapping_of_part, **mapping}
        unread.update(dict.fromkeys(unread_of_part))
        for field, number in tallies["seen_at"].items():
            seen_at.setdefault(field, records + number)
        records += tallies["records"]
    for field, key in columns.items():
        if key and records and not 0 < seen_at.get(field, 0) <= _RECORDS_WITHOUT_MAPPED_KEY:
            raise _missing_column(field, key, parts[0][2]["last_keys"], where)
    read = {name for _, _, tallies in parts for name in tallies["read"]}
    return mapping, [name for name in unread if name not in read][:_MOST_NAMES]


def _long_text(record: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    for holder, key in _LONG_TEXTS:
        text = value_at(record, f"{holder}.{key}")
        if isinstance(text, str) and names.get("caption") == "text":
            hashtags = value_at(record, f"{holder}.entities.hashtags", _MISSING)
            listed = hashtags is not _MISSING and names.get("hashtags", "entities.hashtags") == "entities.hashtags"
            return {"caption": text, "hashtags": hashtags} if listed else {"caption": text}
    return {}


def _missing_column(field: str, column: str, names: Sequence[str], where: str) -> DataError:
    return DataError(
        f"{where} has no column {column!r}, which the column mapping gives for {field}."
        f"{nearest(column, map(str, names))} Columns seen: {listing(names)}."
    )
