"""`UserNotes`: what users asked for, beside their posts."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Instants = NDArray[np.int64]
_DRAWERS = 256
_MOST_FEEDBACK = 1_000
_FIRST_US = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a user did with an answer.

    Attributes:
        given_us: when it was given, by the clock.
        instant_us: when it counts from: strictly later posts see it.
        post_id: the post that the answer was for; None when it has no id, or when the post was taken out.
        accepted: hashtags that were taken, or that the user wrote.
        rejected: hashtags that were turned down.
        chances: see `FeedbackGiven`.
        effects: see `FeedbackGiven`.
    """

    given_us: int
    instant_us: int
    post_id: str | None = None
    accepted: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    chances: Mapping[str, float] = field(default_factory=dict)
    effects: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def is_again(self, other: Feedback) -> bool:
        """Return whether this is the same feedback, read again from the log, perhaps without a post taken out since."""
        alike = replace(self, instant_us=0, post_id=None) == replace(other, instant_us=0, post_id=None)
        return alike and (self.post_id == other.post_id or None in (self.post_id, other.post_id))


@dataclass(frozen=True, slots=True)
class UserNote:
    """What one user asked for.

    Attributes:
        rules: for answers, as JSON holds them.
        feedback: on answers, the last ones, in the order in which it was given.
    """

    rules: Mapping[str, Any] = field(default_factory=dict)
    feedback: tuple[Feedback, ...] = ()


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

    def with_feedback(self, user_id: str, feedback: Feedback) -> UserNotes:
        """Return notes with one more feedback; one that is there already is not added again."""
        note = self.of(user_id)
        if any(feedback.is_again(other) for other in note.feedback):
            return self
        return self._with(user_id, replace(note, feedback=(*note.feedback, feedback)[-_MOST_FEEDBACK:]))

    def without(self, user_id: str) -> UserNotes:
        """Return notes without a user."""
        return self._with(user_id, NOTHING)

    @property
    def have_feedback(self) -> bool:
        """Whether any user has given feedback."""
        return any(note.feedback for drawer in self._drawers for note in drawer.values())

    def without_posts(self, gone: Collection[str], gone_us: Instants, newest_us: int, living_us: Instants) -> UserNotes:
        """Return the notes as they would be if some posts had never been there.

        Feedback counts from the newest post that was known when it was given; without that, from the one before.

        Args:
            gone: ids of the posts.
            gone_us: their instants.
            newest_us: the latest instant of the others, 0 without any.
            living_us: instants of the others, in any order.
        """
        instants_us = frozenset(gone_us.tolist())

        def is_concerned(one: Feedback) -> bool:
            return one.post_id in gone or one.instant_us > newest_us or one.instant_us in instants_us

        def change(one: Feedback) -> Feedback:
            if not is_concerned(one):
                return one
            instant_us = min(one.instant_us, newest_us)
            if instant_us in instants_us:
                instant_us = int(living_us[living_us <= instant_us].max(initial=_FIRST_US))
            post_id = None if one.post_id in gone else one.post_id
            return replace(one, post_id=post_id, instant_us=instant_us if instant_us > _FIRST_US else 0)

        return UserNotes(tuple(_with_feedback(drawer, change) for drawer in self._drawers))

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
        notes = {user_id: self.of(user_id) for user_id in sorted(self.user_ids)}
        rules = {user_id: dict(note.rules) for user_id, note in notes.items() if note.rules}
        feedback = {user_id: [asdict(one) for one in note.feedback] for user_id, note in notes.items() if note.feedback}
        return {**({"rules": rules} if rules else {}), **({"feedback": feedback} if feedback else {})}

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> UserNotes:
        """Return what `as_values` gave."""
        notes = cls()
        for user_id, rules in values.get("rules", {}).items():
            notes = notes.with_rules(user_id, rules)
        for user_id, given in values.get("feedback", {}).items():
            feedback = tuple(_feedback(one) for one in given)
            notes = notes._with(user_id, replace(notes.of(user_id), feedback=feedback))
        return notes


def _with_feedback(drawer: dict[str, UserNote], change: Callable[[Feedback], Feedback]) -> dict[str, UserNote]:
    changed = {}
    for user_id, note in drawer.items():
        feedback = tuple(map(change, note.feedback))
        if any(one is not other for one, other in zip(feedback, note.feedback, strict=True)):
            changed[user_id] = replace(note, feedback=feedback)
    return {**drawer, **changed} if changed else drawer


def _feedback(values: Mapping[str, Any]) -> Feedback:
    lists = {name: tuple(values.get(name, ())) for name in ("accepted", "rejected")}
    return Feedback(**{**values, **lists})


def _number(user_id: str) -> int:
    return zlib.crc32(user_id.encode("utf-8", "surrogatepass")) % _DRAWERS
