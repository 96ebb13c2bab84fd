"""`Plausibility`: what the values of a table suggest about how it was written, for notes to the user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from data_loaders.text.identifiers import says_missing

# Captions are left out: they may really be "None".
_MAY_BE_MISSING = ("post_id", "user_id", "timestamp", "image", "hashtags")
# A spreadsheet keeps 15 digits of a number and writes 0 for the others.
_KEPT_DIGITS = 15
_LONG_ID = 17
_COUNTS = ("captions", "long_ids", "ending_in_zeros", "lists", "numbers")


class Plausibility:
    """Looks at the fields of one record after the other; memory does not grow."""

    def __init__(self) -> None:
        self._missing: Counter[str] = Counter()
        self._words: dict[str, str] = {}
        self._captions = 0
        self._long_ids = self._ending_in_zeros = 0
        self._lists = self._numbers = 0
        self._number: object = None

    def look(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the fields, with None for text that says that there is no value."""
        looked = dict(fields)
        for field in _MAY_BE_MISSING:
            value = fields.get(field)
            if isinstance(value, str) and says_missing(value):
                looked[field] = None
                self._missing[field] += 1
                self._words.setdefault(field, value.strip())
        self._captions += fields.get("caption") in ("nan", "NaN", "<NA>", "NaT")
        for field in ("post_id", "user_id"):
            self._look_at_digits(looked.get(field))
        self._look_at_hashtags(looked.get("hashtags"))
        return looked

    def _look_at_digits(self, value: object) -> None:
        text = str(value) if isinstance(value, (str, int)) else ""
        if len(text) >= _LONG_ID and text.isdecimal():
            self._long_ids += 1
            self._ending_in_zeros += not text[_KEPT_DIGITS:].strip("0")

    def _look_at_hashtags(self, value: object) -> None:
        if value is None or value != value or value in ("", [], ()):
            return
        self._lists += 1
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number or (isinstance(value, str) and value.strip().removesuffix(".0").isdecimal()):
            self._numbers += 1
            self._number = self._number or value

    def tallies(self) -> dict[str, Any]:
        """Return what was seen as values for JSON, for `add`."""
        counts = {name: getattr(self, f"_{name}") for name in _COUNTS}
        return {**counts, "missing": dict(self._missing), "words": self._words, "number": self._number}

    def add(self, tallies: Mapping[str, Any]) -> None:
        """Add what was seen in later records."""
        for name in _COUNTS:
            setattr(self, f"_{name}", getattr(self, f"_{name}") + tallies[name])
        self._missing.update(tallies["missing"])
        self._words = {**tallies["words"], **self._words}
        self._number = self._number or tallies["number"]

    def notes(self) -> list[str]:
        """Return what was seen, with counts."""
        notes = []
        if self._missing:
            seen = ", ".join(f"{field} ({count:,} × {self._words[field]!r})" for field, count in self._missing.items())
            notes.append(f"Text that says that there is no value counts as missing: {seen}.")
        if self._captions:
            notes.append(
                f"{self._captions:,} captions are the text 'nan' and are kept as such; if they are missing, leave the "
                "cells empty."
            )
        if self._long_ids > 1 and self._long_ids == self._ending_in_zeros:
            notes.append(
                f"All {self._long_ids:,} long ids end in zeros after {_KEPT_DIGITS} digits: a spreadsheet seems to "
                "have rounded them, so that different people or posts may share one. Save or export the dump again "
                "with the ids as text."
            )
        if self._numbers and self._numbers == self._lists:
            notes.append(
                f"The hashtags are numbers, such as {self._number!r}, wherever they are given: they seem to be counts. "
                "To read the hashtags of the captions instead, use --columns hashtags= (with nothing behind it)."
            )
        return notes
