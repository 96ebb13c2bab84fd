"""Which hashtags of a list mean the same: spelled alike, and used alike.

`new_york` and `newyork`, `sunset` and `sunsets`, `color` and `colour`. Meaning without spelling (translations) is not
looked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.post_memory import PostMemory

Floats = NDArray[np.float64]
_PLURALS = (("s", ""), ("es", ""), ("ies", "y"))
_SHORTEST_PLURAL = 3
# From so many letters on, one or two may differ.
_ONE_EDIT, _TWO_EDITS = 5, 9
# The least cosine of what two hashtags are used with.
_SAME_USE = 0.3
_DIGITS = re.compile(r"\d+")


def one_of_each(hashtags: Sequence[str], memory: PostMemory, user_id: str | None, instant_us: int) -> list[bool]:
    """Return which hashtags of a list stay if of those that mean the same only the first does.

    Two that the user has put under one post stay both.

    Args:
        hashtags: P of them, best first.
        memory: strictly earlier posts tell how hashtags are used.
        user_id: whose list it is.
        instant_us: of the post.
    """
    pairs = [(i, j) for i, j in combinations(range(len(hashtags)), 2) if spelled_alike(hashtags[i], hashtags[j])]
    stays = [True] * len(hashtags)
    if not pairs:
        return stays
    wanted = sorted({place for pair in pairs for place in pair})
    profiles = dict(zip(wanted, _profiles([hashtags[place] for place in wanted], memory, instant_us), strict=True))
    own = _own_pairs(memory, user_id, instant_us)
    # A pair whose first is taken out takes nothing out itself.
    for first, second in sorted(pairs, key=lambda pair: (pair[1], pair[0])):
        names = hashtags[first], hashtags[second]
        if stays[first] and frozenset(names) not in own and _used_alike(names, profiles[first], profiles[second]):
            stays[second] = False
    return stays


def spelled_alike(first: str, second: str) -> bool:
    """Return whether two hashtags differ in underscores, a plural or a few letters; other numbers are other hashtags.

    >>> spelled_alike("sunset", "sunsets"), spelled_alike("day1", "day2"), spelled_alike("sea", "tea")
    (True, False, False)
    """
    if same_words(first, second):
        return True
    one, other = first.replace("_", ""), second.replace("_", "")
    if _DIGITS.findall(one) != _DIGITS.findall(other):
        return False
    shortest = min(len(one), len(other))
    allowed = (shortest >= _ONE_EDIT) + (shortest >= _TWO_EDITS)
    return allowed > 0 and abs(len(one) - len(other)) <= allowed and _edits(one, other) <= allowed


def same_words(first: str, second: str) -> bool:
    """Return whether two hashtags are the same words, with underscores or not, or one is the plural of the other."""
    one, other = sorted((first.replace("_", ""), second.replace("_", "")), key=len)
    plurals = len(one) >= _SHORTEST_PLURAL and any(
        one.endswith(end) and other == one[: len(one) - len(end)] + plural for plural, end in _PLURALS
    )
    return one == other or plurals


def _used_alike(names: tuple[str, str], first: Floats, second: Floats) -> bool:
    if not first.any() or not second.any():
        return same_words(*names)
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / norms >= _SAME_USE


def _profiles(hashtags: Sequence[str], memory: PostMemory, instant_us: int) -> Floats:
    """Return how often each hashtag is used with others, without these, (P, as many others as there are)."""
    numbers = [memory.id_map.find(hashtag) for hashtag in hashtags]
    known = [place for place, number in enumerate(numbers) if number is not None]
    asked = np.array([numbers[place] for place in known], np.int64)
    if not known:
        return np.zeros((len(hashtags), 0))
    shares = memory.questions.cooccurrence(asked, np.full(len(known), instant_us, np.int64))
    others = ~np.isin(shares.hashtags, asked)
    names, columns = np.unique(shares.hashtags[others], return_inverse=True)
    profiles = np.zeros((len(hashtags), len(names)))
    profiles[np.array(known)[shares.rows[others]], columns] = shares.column("share")[others]
    return profiles


def _own_pairs(memory: PostMemory, user_id: str | None, instant_us: int) -> set[frozenset[str]]:
    positions = memory.history([user_id], np.array([instant_us], np.int64), 1_024)[0]
    posts = [memory.hashtags_of(int(position)).tolist() for position in positions if position >= 0]
    return {
        frozenset((memory.id_map[one], memory.id_map[other])) for tags in posts for one, other in combinations(tags, 2)
    }


def _edits(first: str, second: str) -> int:
    """Return how many letters are inserted, dropped, exchanged or swapped with their neighbour."""
    rows = [list(range(len(second) + 1))]
    for i, letter in enumerate(first, start=1):
        row = [i]
        for j, other in enumerate(second, start=1):
            least = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                least = min(least, rows[-2][j - 2] + 1)
            row.append(least)
        rows.append(row)
    return rows[-1][-1]
