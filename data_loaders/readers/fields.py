"""Find the fields of the exchange format under the names that a dump uses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from data_loaders.errors import DataError, nearest, some_of
from data_loaders.readers.base import FIELDS

ALIASES: Mapping[str, tuple[str, ...]] = {
    "post_id": ("id", "id_str", "tweet_id", "status_id", "media_id", "shortcode", "postid", "pid", "mid"),
    "user_id": (
        *("user", "userid", "uid", "author_id", "author", "username", "user_name", "screen_name"),
        *("owner_id", "owner", "owner_username"),
    ),
    "timestamp": (
        *("created_at", "created_time", "created_utc", "created", "datetime", "date_utc", "date", "time"),
        *("taken_at", "taken_at_timestamp", "posted_at", "published_at", "published"),
    ),
    "caption": ("text", "full_text", "tweet", "content", "message", "body", "description", "title"),
    "image": ("image_path", "file_name", "filename", "image_file", "img_path", "img", "picture", "photo", "filepath"),
    "hashtags": ("tags", "hashtag", "tag_list", "hash_tags"),
}
"""Names that are recognised without a mapping, tried in this order if the field's own name is missing."""

_SEPARATORS = re.compile(r"[\s\-.]+")
# Tweets from a search for brands: the text, its hashtags, and the brand searched for.
_SEARCHED_TWEETS = frozenset({"text", "created_time", "hashtags", "entity_name"})
# A mapped key may be missing from a few records of a JSON Lines file, but not from the first so many.
_RECORDS_WITHOUT_MAPPED_KEY = 1_000


def resolve(names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return the name of each field among the given names.

    Args:
        names: the columns of a table or the keys of a record.
        columns: the user's mapping; it wins over the field's own name, which wins over its aliases.

    >>> resolve(["id", "body", "Created At"], {"caption": "body"})
    {'post_id': 'id', 'timestamp': 'Created At', 'caption': 'body'}
    """
    by_folded = {_SEPARATORS.sub("_", str(name).strip().lower()): name for name in reversed(names)}
    found: dict[str, str] = {}
    for field in FIELDS:
        if field in columns:
            if columns[field] in names:
                found[field] = columns[field]
            continue
        name = next((by_folded[alias] for alias in (field, *ALIASES[field]) if alias in by_folded), None)
        if name is not None:
            found[field] = name
    return found


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
        if column not in names:
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


class KeyMapper:
    """Finds the fields of JSON records, whose keys can differ from record to record.

    Args:
        columns: the user's mapping from fields to keys.
        mapping_used: receives each field that was found under another name.
        where: the file, for messages.
    """

    def __init__(self, columns: Mapping[str, str], mapping_used: dict[str, str], where: str) -> None:
        self._columns = columns
        self._mapping_used = mapping_used
        self._where = where
        self._resolved: dict[tuple[str, ...], dict[str, str]] = {}
        self._unseen = dict(columns)
        self._records = 0
        self._last_keys: tuple[str, ...] = ()

    def fields(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record's fields under their names in the exchange format, without missing fields.

        Raises:
            DataError: none of the first 1,000 records has a mapped key.
        """
        keys = tuple(record)
        names = self._resolved.get(keys)
        if names is None:
            names = resolve(keys, self._columns)
            if len(self._resolved) < 10_000:
                self._resolved[keys] = names
            for field, name in names.items():
                self._unseen.pop(field, None)
                if name != field:
                    self._mapping_used.setdefault(field, name)
        self._records += 1
        self._last_keys = keys
        if self._unseen and self._records >= _RECORDS_WITHOUT_MAPPED_KEY:
            self.finish()
        return {field: record[name] for field, name in names.items()}

    def finish(self) -> None:
        """Check that every mapped key has been seen.

        Raises:
            DataError: a mapped key was never seen.
        """
        if self._unseen and self._records:
            field, key = next(iter(self._unseen.items()))
            raise _missing_column(field, key, self._last_keys, self._where)


def _missing_column(field: str, column: str, names: Sequence[str], where: str) -> DataError:
    return DataError(
        f"{where} has no column {column!r}, which the column mapping gives for {field}."
        f"{nearest(column, map(str, names))} Columns seen: {listing(names)}."
    )
