"""`PostRules`: what a System may rank for one post, and the list that the rules make of its ranking."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import UserError
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.list_length import AutoLength
from multimodal.ranking.rules.matches import Matches
from multimodal.ranking.rules.patterns import has_wildcard
from multimodal.ranking.rules.used_hashtags import FirstUses

ALWAYS, ONLY, REPLACE = "always", "only", "replace"
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in a list.

    Attributes:
        hashtag: what is recommended.
        score: see `PostRules.listed`.
        ranked: the hashtag that the System ranked; None where a rule alone brought this one.
        rule: that brought or changed it: `always`, `only` or `replace`; None where it was ranked as it is.
    """

    hashtag: str
    score: float
    ranked: str | None
    rule: str | None = None


class PostRules:
    """Rules as they stand for one post.

    Args:
        matches: of the rules of user and call among the hashtags of the memory.
        excluded: hashtags that the post has already.
        mine: the hashtags that the user has used, where nothing else may be recommended; None otherwise.
        uses: when hashtags were used first, where only those that were used before may be recommended.
        instant_us: of the post.
    """

    def __init__(
        self,
        matches: Matches,
        excluded: AbstractSet[str] = frozenset(),
        mine: Sequence[str] | None = None,
        uses: FirstUses | None = None,
        instant_us: int = 0,
    ) -> None:
        self._matches, self._excluded = matches, excluded
        self._mine = None if mine is None else dict.fromkeys(mine)
        self._uses, self._instant_us = uses, instant_us
        self.always = [hashtag for hashtag in matches.rules.always if hashtag not in excluded]

    def admits(self, hashtag: str) -> bool:
        """Return whether a System may rank a hashtag, be it known or not."""
        place = self._matches.replaced.of(hashtag)
        if hashtag in self._excluded or place in self._excluded or place in self.always or place in self._matches.never:
            return False
        only = self._matches.only if self._mine is None else self._mine
        if only is not None and hashtag not in only and place not in only:
            return False
        return self._uses is None or self._uses.is_before(hashtag, self._instant_us)

    @property
    def barred(self) -> Barred:
        """What a System must not rank."""
        return Barred(self)

    def admitted_of_known(self) -> set[str] | None:
        """Return the hashtags of the memory that a System may rank, where few are allowed; None where few are not."""
        if self._mine is None and self._matches.only is None:
            return None
        possible = {*(self._matches.admitted if self._mine is None else self._mine), *self._matches.renamed}
        return {hashtag for hashtag in possible if self.admits(hashtag)}

    def barred_of_known(self) -> Iterable[str]:
        """Return the hashtags of the memory that a System must not rank."""
        matches, admitted = self._matches, self.admitted_of_known()
        if admitted is not None:
            return [hashtag for hashtag in matches.known if hashtag not in admitted]
        unused = [] if self._uses is None else self._uses.not_before(self._instant_us)
        replaced = [hashtag for hashtag in matches.renamed if not self.admits(hashtag)]
        return matches.barred.difference(matches.renamed).union(self._excluded, self.always, unused, replaced)

    def depth(self, k: int) -> int:
        """Return how many hashtags a System has to rank so that k are left where replaced ones fall together."""
        return k + len(self._matches.renamed)

    @property
    def named(self) -> list[str]:
        """The hashtags that the rules bring where a System does not."""
        return [*self.always, *self._further()]

    def check(self, k: int, which: str = "") -> None:
        """Refuse a list that is too short for the hashtags that always come first.

        Raises:
            UserError: there are more than `k`; `which` names the post.
        """
        self._refuse_above(k, f"k: {k} hashtags were requested{which}", "request more")

    def check_auto(self, length: AutoLength, which: str = "") -> None:
        """Refuse the hashtags that always come first where no list of a chosen length holds them.

        Raises:
            UserError: there are more than the longest list has; `which` names the post.
        """
        bounded = length.maximum < length.calibration.depth
        remedy = "raise maximum" if bounded else "give a number as k"
        self._refuse_above(length.longest, f"maximum: k='auto' names at most {length.longest} hashtags{which}", remedy)

    def _refuse_above(self, most: int, limit: str, remedy: str) -> None:
        if len(self.always) > most:
            more = ", …" if len(self.always) > _MOST_NAMED else ""
            named = ", ".join(self.always[:_MOST_NAMED]) + more
            raise UserError(
                f"{limit}, but {len(self.always)} always come first ({named}); {remedy}, or take some out of always."
            )

    def listed(self, ranking: Sequence[tuple[str, float]], k: int) -> list[Entry]:
        """Return the list of a post.

        First come those that always do, with the score of the best ranked hashtag; then the ranked ones, replaced where
        the rules say so, each with its own score; then those of `only` that the System does not rank, with the score of
        the last. If nothing is ranked these scores are 0. So scores never rise along a list.

        Args:
            ranking: hashtags that are admitted and their scores, best first.
            k: length of the list.
        """
        scores = [score for _, score in ranking]
        best, last = max(scores, default=0.0), min(scores, default=0.0)
        entries = {hashtag: Entry(hashtag, best, None, ALWAYS) for hashtag in self.always}
        for hashtag, score in ranking:
            if len(entries) >= k:
                break
            place = self._matches.replaced.of(hashtag)
            entries.setdefault(place, Entry(place, score, hashtag, REPLACE if place != hashtag else None))
        for hashtag in self._further():
            entries.setdefault(hashtag, Entry(hashtag, last, None, ONLY))
        return list(entries.values())[:k]

    def _further(self) -> list[str]:
        only = self._matches.rules.only if isinstance(self._matches.rules.only, tuple) else ()
        named = [one for one in only if not has_wildcard(one)] if self._mine is None else self._mine
        return [self._matches.replaced.of(hashtag) for hashtag in named if self.admits(hashtag)]


class Barred(AbstractSet[str]):
    """What must not be ranked, as a set; it contains hashtags that no memory knows too, but goes through known ones."""

    __slots__ = ("_rules",)

    def __init__(self, rules: PostRules) -> None:
        self._rules = rules

    def __contains__(self, hashtag: object) -> bool:
        return isinstance(hashtag, str) and not self._rules.admits(hashtag)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules.barred_of_known())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def numbers(self, id_map: HashtagIdMap) -> NDArray[np.int64]:
        """Return the indices of those in an id map."""
        admitted = self._rules.admitted_of_known()
        if admitted is None:
            return _numbers(self, id_map)
        barred = np.ones(len(id_map), np.bool_)
        barred[_numbers(admitted, id_map)] = False
        return np.flatnonzero(barred)


def numbers_of(hashtags: Collection[str], id_map: HashtagIdMap) -> NDArray[np.int64]:
    """Return the indices of those hashtags that an id map has."""
    return hashtags.numbers(id_map) if isinstance(hashtags, Barred) else _numbers(hashtags, id_map)


def _numbers(hashtags: Iterable[str], id_map: HashtagIdMap) -> NDArray[np.int64]:
    found = [number for hashtag in hashtags if (number := id_map.find(hashtag)) is not None]
    return np.array(found, np.int64)
