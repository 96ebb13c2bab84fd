"""The values of K that a sweep visits, from text such as `1-10`."""

from __future__ import annotations

import re

from data_loaders.errors import UserError, short_repr

LARGEST_K = 1000
_DIGITS = 10
_ACCEPTED = "accepted are whole numbers and ranges, such as 5, 1-10, 1,3,5 or 1-3,5,10-12"


def parse_ks(text: str) -> list[int]:
    """Return the cut-offs that `text` names, rising and without repeats.

    >>> parse_ks("1-3,5,10-12")
    [1, 2, 3, 5, 10, 11, 12]

    Raises:
        UserError: empty, not a number, 0 or negative, a range that runs backwards, or above 1,000.
    """
    ks: set[int] = set()
    for part in str(text).split(","):
        ks.update(_range(part.strip(), str(text)))
    return sorted(ks)


def _range(part: str, text: str) -> range:
    if re.fullmatch(r"-\s*[0-9]+", part):
        raise UserError(f"k: {part!r} in {text!r} is negative; K starts at 1; {_ACCEPTED}.")
    match = re.fullmatch(r"([0-9]+)(?:\s*-\s*([0-9]+))?", part)
    if match is None:
        what = f"{part!r} in {text!r}" if part else f"an empty part in {text!r}"
        raise UserError(f"k: {what} cannot be read; {_ACCEPTED}.")
    # Python reads no numbers of thousands of digits.
    first, last = (int(number.lstrip("0")[:_DIGITS] or "0") for number in (match[1], match[2] or match[1]))
    if first < 1:
        raise UserError(f"k: {part!r} in {text!r} asks for K = 0; a list has at least 1 hashtag; {_ACCEPTED}.")
    if last < first:
        raise UserError(f"k: the range {part!r} in {text!r} runs backwards; write {last}-{first}.")
    if last > LARGEST_K:
        raise UserError(f"k: {short_repr(part)} in {short_repr(text)} is above the largest K, {LARGEST_K:,}.")
    return range(first, last + 1)
