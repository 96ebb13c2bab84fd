"""Hostile records: some fields as they should be, others not; with what a reader must make of the good ones."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from hostile_values import FIELDS, cell, json_value

ALIASES = {
    "post_id": ("id", "mid"),
    "user_id": ("author", "username"),
    "timestamp": ("created_at", "date"),
    "caption": ("text", "content"),
    "image": ("img",),
    "hashtags": ("tags",),
}
_START = datetime(2024, 1, 1, tzinfo=timezone.utc)


@dataclass
class HostileRecord:
    """A record.

    Attributes:
        pairs: keys with their values as JSON, in order; a key may come twice.
        cells: the same for tables, by field.
        good: what a post must hold for those fields that are as they should be; empty if the id is not.
        whole: whether every field is as it should be, so that the post must be kept.
    """

    pairs: list[tuple[str, str]] = field(default_factory=list)
    cells: dict[str, str] = field(default_factory=dict)
    good: dict[str, Any] = field(default_factory=dict)
    whole: bool = False

    def json(self) -> str:
        """Return the record as a JSON object on one line."""
        return "{" + ",".join(f'"{key}":{value}' for key, value in self.pairs) + "}"


def good_fields(number: int) -> dict[str, Any]:
    """Return the fields of a good post."""
    tags = (f"tag{number % 3}x", f"own{number % 5}x")
    return {
        "post_id": f"p{number}",
        "user_id": f"u{number % 9}",
        "timestamp": _START + timedelta(hours=number),
        "caption": f"walk {number} by the sea #{tags[0]}",
        "image": None,
        "hashtags": tags,
    }


def as_json(name: str, value: Any) -> str:
    """Return a good value as JSON."""
    if name == "hashtags":
        return "[" + ",".join(f'"{tag}"' for tag in value) + "]"
    return as_cell(name, value).join('""') if value is not None else "null"


def as_cell(name: str, value: Any) -> str:
    """Return a good value as a cell."""
    if name == "timestamp":
        return value.isoformat()
    return ",".join(value) if name == "hashtags" else value or ""


def hostile_record(draw: random.Random, number: int, hostile: float = 0.3) -> HostileRecord:
    """Return a record whose fields are hostile with a probability, or missing, renamed, or there twice."""
    record, good = HostileRecord(), good_fields(number)
    if draw.random() < 0.2:
        hostile = 0.0
    for name in FIELDS:
        key = name
        if draw.random() < hostile:
            value, text = json_value(draw, name), cell(draw, name)
            key = draw.choice((name, name, name, *ALIASES[name]))
        else:
            value, text = as_json(name, good[name]), as_cell(name, good[name])
            record.good[name] = good[name]
        if draw.random() < 0.1 * (hostile > 0):
            record.good.pop(name, None)  # missing
            continue
        record.pairs.append((key, value))
        record.cells[name] = text
        if draw.random() < 0.03 * (hostile > 0):
            record.pairs.append((name, json_value(draw, name)))
            record.good.pop(name, None)
    record.whole = len(record.good) == len(FIELDS)
    if "post_id" not in record.good:
        record.good.clear()
    draw.shuffle(record.pairs)
    return record


def hostile_records(draw: random.Random, count: int, hostile: float = 0.3) -> list[HostileRecord]:
    """Return records with ids of their own, except that some id comes twice."""
    return [hostile_record(draw, number, hostile) for number in range(count)]


def broken_json(draw: random.Random, record: HostileRecord) -> str:
    """Return a line that is not a JSON object."""
    text = record.json()
    return draw.choice(
        (
            *(text[: draw.randrange(len(text))], "[1,2]", "5", '"x"', "null", "{", "}", text + text, text + ","),
            *(
                text.replace(":", "", 1),
                "\x00" + text,
                "{'a':1}",
                "[" * 100_000,
                '{"a":' * 50_000,
                "//c",
                "\ufeff" + text,
            ),
        )
    )
