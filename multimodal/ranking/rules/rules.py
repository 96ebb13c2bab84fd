"""`Rules`: what a user wants recommended and what not, read from plain values; contradictions are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from data_loaders.errors import UserError, nearest, short_repr, some_of
from multimodal.ranking.rules.patterns import Patterns, Replacements, canonical_pattern, foreign_sign, has_wildcard

# What a caller gives for a rule that takes hashtags.
GivenHashtags: TypeAlias = "Sequence[str] | AbstractSet[str]"
MINE, KNOWN, ANY = "mine", "known", "any"
FIELDS = ("only", "never", "always", "replace", "language")
_MOST = 10_000
_LANGUAGE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Rules for the answers to one user; hashtags are in canonical form.

    Attributes:
        only: nothing but these hashtags, with wildcards; or `mine`, those that the user has used, or `known`, those
            that anybody has used; None for all.
        never: hashtags, with wildcards, that are not recommended.
        always: hashtags that come first.
        replace: pairs of a hashtag, with wildcards, and the one that is recommended in its place.
        language: code of a language; only hashtags that were used in posts of that language. None for all.
    """

    only: str | tuple[str, ...] | None = None
    never: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    replace: tuple[tuple[str, str], ...] = ()
    language: str | None = None

    def as_values(self) -> dict[str, Any]:
        """Return the rules as JSON holds them, without those that say nothing; `read_rules` reads them."""
        values: dict[str, Any] = {"only": list(self.only) if isinstance(self.only, tuple) else self.only}
        values |= {"never": list(self.never), "always": list(self.always), "replace": dict(self.replace)}
        return {name: value for name, value in {**values, "language": self.language}.items() if value}


def read_rules(given: Mapping[str, Any] | Rules | None) -> Rules:
    """Return rules from plain values, such as those of a JSON document.

    Args:
        given: some of `only`, `never`, `always`, `replace` and `language`, see `Rules`; None for a value is as if it
            was left out, and `any` lifts `only` and `language`.

    Raises:
        UserError: a key is unknown, a value is of the wrong type, or rules contradict each other.
    """
    if given is None or isinstance(given, Rules):
        return given or Rules()
    if not isinstance(given, Mapping):
        raise UserError(f"rules: {short_repr(given)} is not a dictionary with some of {', '.join(FIELDS)}.")
    for key in given:
        if key not in FIELDS:
            hint = nearest(key, FIELDS) if isinstance(key, str) else ""
            raise UserError(f"rules: unknown key {short_repr(key)}.{hint} Accepted: {', '.join(FIELDS)}.")
    rules = Rules(
        only=_only(given.get("only")),
        never=_hashtags("never", given.get("never")),
        always=_hashtags("always", given.get("always")),
        replace=_pairs(given.get("replace")),
        language=_language(given.get("language")),
    )
    _check(rules)
    return rules


def combined(stored: Mapping[str, Any], given: Mapping[str, Any]) -> Rules:
    """Return the rules of a call: each that is given takes the place of the stored one.

    Raises:
        UserError: see `read_rules`.
    """
    named = {name: value for name, value in given.items() if value is not None}
    try:
        return read_rules({**stored, **named})
    except UserError as error:
        if not stored or not named:
            raise
        raise UserError(f"{error} The rules that are stored for this user count too: {_shown(stored)}.") from None


def _shown(stored: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={short_repr(value, 60)}" for name, value in stored.items())


def _only(value: Any) -> str | tuple[str, ...] | None:
    if value is None or (isinstance(value, str) and value == ANY):
        return None
    if isinstance(value, str):
        if value in (MINE, KNOWN):
            return value
        raise UserError(
            f"only: {short_repr(value)} is not known; give {MINE!r}, {KNOWN!r}, {ANY!r} or a list of hashtags, for "
            f"instance [{short_repr(value)}]."
        )
    hashtags = _hashtags("only", value)
    if not hashtags:
        raise UserError(f"only: the list is empty, so that nothing could be recommended; give hashtags, or {ANY!r}.")
    return hashtags


def _hashtags(name: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, (Sequence, set, frozenset)):
        raise UserError(f"{name}: {short_repr(value)} is not a list of hashtags, for instance ['sunset', 'beach*'].")
    if len(value) > _MOST:
        raise UserError(f"{name}: {len(value):,} hashtags are too many; give at most {_MOST:,}.")
    # A set has no order of its own, and Python's differs between processes.
    ordered = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
    return tuple(dict.fromkeys(_hashtag(name, one) for one in ordered))


def _hashtag(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UserError(f"{name}: {short_repr(value)} is {type(value).__name__}; give hashtags as texts.")
    sign = foreign_sign(value)
    if sign is not None:
        raise UserError(
            f"{name}: {short_repr(value)} has {sign!r}, which no hashtag is written with; give letters, marks, numbers "
            "and underscores, and as wildcards * for any characters and ? for one."
        )
    canonical = canonical_pattern(value)
    if not canonical:
        raise UserError(f"{name}: {short_repr(value)} is not a hashtag; one has at least one letter.")
    return canonical


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise UserError(f"replace: {short_repr(value)} is not a dictionary, for instance {{'nyc': 'newyork'}}.")
    if len(value) > _MOST:
        raise UserError(f"replace: {len(value):,} hashtags are too many; give at most {_MOST:,}.")
    pairs: dict[str, str] = {}
    for given, target in value.items():
        source, place = _hashtag("replace", given), _hashtag("replace", target)
        if pairs.setdefault(source, place) != place:
            raise UserError(f"replace: {source!r} has two replacements, {pairs[source]!r} and {place!r}; give one.")
    return tuple(pairs.items())


def _language(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and value == ANY):
        return None
    if not isinstance(value, str) or not _LANGUAGE.fullmatch(value.casefold()):
        raise UserError(
            f"language: {short_repr(value)} is not the code of a language; give two or three letters of ISO 639, for "
            f"instance 'en', or {ANY!r}."
        )
    return value.casefold()


def _check(rules: Rules) -> None:
    """Refuse rules that contradict each other.

    Raises:
        UserError: the message names the hashtag and both rules.
    """
    never, replaced = Patterns(rules.never), Replacements(rules.replace)
    if "*" in rules.never:
        _refuse("never", "*", "leaves no hashtag to recommend; give which ones")
    for hashtag in rules.always:
        if has_wildcard(hashtag):
            _refuse("always", hashtag, "has a wildcard, and not everything can come first; give the hashtags")
        if hashtag in never:
            _refuse("always", hashtag, "is also among never; take it out of one of them")
        if replaced.of(hashtag) != hashtag:
            _refuse("always", hashtag, f"is replaced by {replaced.of(hashtag)!r}; give that one")
    for source, place in rules.replace:
        if has_wildcard(place):
            _refuse("replace", place, "has a wildcard, so it cannot take the place of another; give one hashtag")
        if place in never:
            _refuse("replace", place, f"takes the place of {source!r}, but is among never; take it out of one of them")
        if replaced.of(place) != place:
            _refuse(
                "replace", place, f"takes the place of {source!r} and is replaced itself; give the last one at once"
            )
    if isinstance(rules.only, tuple) and all(not has_wildcard(one) and one in never for one in rules.only):
        raise UserError(f"only: {some_of(rules.only)}: never allows none of them; take some out of never.")


def _refuse(name: str, hashtag: str, why: str) -> NoReturn:
    raise UserError(f"{name}: {hashtag!r} {why}.")
