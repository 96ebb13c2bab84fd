"""Values that nobody expects in a record: as JSON, as a cell of a table, and as a Python object."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import json
import random
import string
import uuid
from pathlib import Path
from typing import Any

FIELDS = ("post_id", "user_id", "timestamp", "caption", "image", "hashtags")
# From every corner of Unicode, with what tables and JSON are made of.
CHARACTERS = (
    string.printable + "éßİıſΣσς・〜״·ー한국어空שלוםสวัสดี\u200b\u200d\u2060\ufeff\u202e\xa0\u3000\x00\x85😀🇩＃#_&;@%\\"
)


def nested(depth: int) -> str:
    """Return JSON of lists in lists."""
    return "[" * depth + "]" * depth


def _quoted(*texts: str) -> list[str]:
    return [f'"{text}"' for text in texts]


def _pools() -> dict[str, list[str]]:
    """Return hostile JSON by sort: the lines of the file beside this one, and what is too long for it."""
    pools: dict[str, list[str]] = {}
    lines = Path(__file__).with_name("hostile_json.txt").read_text(encoding="utf-8").split("\n")
    for line in lines[1:-1]:
        if line.strip("[]") in ("constants", "numbers", "texts", "dates", "paths", "nested", "tag_lists"):
            pool = pools.setdefault(line.strip("[]"), [])
        else:
            pool.append(line)
    pools["numbers"] += ["9" * 4_000, "9" * 5_000]
    pools["texts"] += _quoted("x" * 1_000_000, "#x" * 20_000, "#" + "y" * 100_000, " " * 100_000, "@" * 5_000 + "#t")
    pools["texts"] += _quoted("#a" + "\\u0301" * 5_000, "http://" * 2_000, "&" * 20_000 + ";")
    pools["paths"] += _quoted("a/" * 3_000 + ".jpg", "n" * 300 + ".jpg")
    pools["nested"] += [nested(500), nested(5_000), '{"a":' * 900 + "1" + "}" * 900]
    pools["tag_lists"] += [f'["{"t" * 100_000}"]', "[" + ",".join(['"t"'] * 5_000) + "]"]
    return pools


POOLS = _pools()
OF_FIELD = {
    "timestamp": POOLS["dates"],
    "image": POOLS["paths"],
    "hashtags": POOLS["tag_lists"],
    "caption": POOLS["texts"],
}


def text(draw: random.Random, longest: int = 60) -> str:
    """Return text of characters that mean something to one of the readers."""
    return "".join(draw.choice(CHARACTERS) for _ in range(draw.randrange(longest)))


def json_value(draw: random.Random, field: str | None = None) -> str:
    """Return hostile JSON, as text, often of the sort that hurts a field."""
    if draw.random() < 0.15:
        return json.dumps(text(draw), ensure_ascii=draw.random() < 0.5)
    pool = OF_FIELD.get(field or "") if draw.random() < 0.5 else None
    return draw.choice(pool or POOLS[draw.choice(list(POOLS))])


def cell(draw: random.Random, field: str | None = None) -> str:
    """Return hostile text for a cell: JSON as it is, or the text that it stands for."""
    value = json_value(draw, field)
    if value.startswith('"') and draw.random() < 0.7:
        value = json.loads(value).encode("utf-8", "replace").decode("utf-8")
    return value


def _python_objects(draw: random.Random) -> tuple[Any, ...]:
    midnight = dt.timezone(dt.timedelta(hours=14))
    return (
        *(10**400, 10**5_000, -(10**400), float("nan"), float("inf"), 1e308, True, 1j, draw.randrange(-(2**70), 2**70)),
        *(b"bytes", b"\xff\x00", bytearray(b"x"), decimal.Decimal("NaN"), decimal.Decimal("1e9999")),
        fractions.Fraction(1, 3),
        *(set(), {"a"}, frozenset({"a", 1}), ("a", None), range(3), {}, {"a": 1}, [["a"]], [None], [float("nan")]),
        [b"a"],
        *(iter(["a"]), (letter for letter in "ab"), object(), print, Outcast(), Path("/etc/passwd")),
        *(Path("/nowhere"), Path()),
        *(dt.date(2024, 1, 1), dt.datetime(1, 1, 1), dt.datetime.max, dt.time(1), dt.timedelta(1), uuid.UUID(int=5)),
        *(dt.datetime(1, 1, 1, tzinfo=midnight), dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=12)))),
        *("\ud800", "a\0b", "\0guest", "query", "", " ", "#", "x" * 1_000_000, text(draw), [text(draw), text(draw)]),
    )  # fmt: skip


class Outcast:
    """An object without anything that helps."""

    __slots__ = ()


def _objects_of_data_frames() -> tuple[Any, ...]:
    import numpy as np
    import pandas as pd

    return (
        *(pd.NaT, pd.NA, np.nan, np.int64(7), np.float64(7.0), np.float32("nan"), np.bool_(True), np.str_("text")),
        np.bytes_(b"x"),
        *(np.datetime64("2024-01-01"), np.datetime64("NaT"), np.datetime64("9999-01-01"), np.timedelta64(1, "s")),
        *(np.array(5), np.array("t"), np.array(["a", "b"], dtype=object), np.array([1, 2]), np.array([])),
        np.zeros((2, 2)),
        *(np.zeros((8, 8, 3), np.uint8), pd.Series(["a"]), pd.Series([], dtype=object), pd.DataFrame({"a": [1]})),
        *(pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-01", tz="Asia/Tokyo"), pd.Timestamp.max, pd.Timedelta(1)),
        *(pd.Period("2024-01"), pd.Categorical(["a"]), pd.Interval(0, 1)),
    )  # fmt: skip


def python_object(draw: random.Random) -> Any:
    """Return something that a caller may pass by mistake."""
    choice = draw.random()
    if choice < 0.3:
        return draw.choice(_objects_of_data_frames())
    if choice < 0.6:
        try:
            return json.loads(json_value(draw))
        except (ValueError, RecursionError):  # Python does not convert thousands of digits
            return 10**5_000
    return draw.choice(_python_objects(draw))
