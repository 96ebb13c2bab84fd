"""`UserNotes`: what users asked for, beside their posts."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

_DRAWERS = 256


@dataclass(frozen=True, slots=True)
class UserNote:
    """What one user asked for.

    Attributes:
        rules: for answers, as JSON holds them.
    """

    rules: Mapping[str, Any] = field(default_factory=dict)


NOTHING = UserNote()


class UserNotes:
    """Notes by user; never changed in place, so that forks of a memory share them.

    A change copies one of many drawers, so that it costs little however many users there are.
    """

    __slots__ = ("_drawers",)

    def __init__(self, drawers: tuple[dict[str, UserNote], ...] = ()) -> None:
        self._drawers = drawers or tuple({} for _ in range(_DRAWERS))

    @property
    def user_ids(self) -> Iterator[str]:
        """The users of whom there is a note."""
        return (user_id for drawer in self._drawers for user_id in drawer)

    def of(self, user_id: str | None) -> UserNote:
        """Return a user's note, an empty one if there is none."""
        return NOTHING if user_id is None else self._drawers[_number(user_id)].get(user_id, NOTHING)

    def with_rules(self, user_id: str, rules: Mapping[str, Any]) -> UserNotes:
        """Return notes with these rules in place of earlier ones."""
        return self._with(user_id, replace(self.of(user_id), rules=dict(rules)))

    def without(self, user_id: str) -> UserNotes:
        """Return notes without a user."""
        return self._with(user_id, NOTHING)

    def _with(self, user_id: str, note: UserNote) -> UserNotes:
        if note == self.of(user_id):
            return self
        drawers, number = list(self._drawers), _number(user_id)
        drawers[number] = {other: kept for other, kept in drawers[number].items() if other != user_id}
        if note != NOTHING:
            drawers[number][user_id] = note
        return UserNotes(tuple(drawers))

    def as_values(self) -> dict[str, Any]:
        """Return the notes as JSON holds them; nothing if there is none."""
        rules = {user_id: dict(self.of(user_id).rules) for user_id in sorted(self.user_ids) if self.of(user_id).rules}
        return {"rules": rules} if rules else {}

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> UserNotes:
        """Return what `as_values` gave."""
        notes = cls()
        for user_id, rules in values.get("rules", {}).items():
            notes = notes.with_rules(user_id, rules)
        return notes


def _number(user_id: str) -> int:
    return zlib.crc32(user_id.encode("utf-8", "surrogatepass")) % _DRAWERS
