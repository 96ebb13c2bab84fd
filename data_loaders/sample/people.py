"""The authors of the sample: their languages, their activity and their habitual hashtags."""

from __future__ import annotations

import random
from dataclasses import dataclass

from data_loaders.sample.languages import LANGUAGES, Language
from data_loaders.sample.tables import read_table

_TABLE = read_table("people")
HABIT_HASHTAGS: tuple[str, ...] = tuple(_TABLE["habits"])
LOCAL_HABIT_HASHTAGS: dict[str, list[str]] = _TABLE["local_habits"]
LATE_HASHTAGS: tuple[str, ...] = tuple(_TABLE["late"])
POPULAR_HASHTAGS: tuple[str, ...] = tuple(_TABLE["popular"])
_NAMES: list[str] = _TABLE["names"]
_ENDINGS: list[str] = _TABLE["endings"]

# The first account number, which distinguishes a sample folder from a real one.
FIRST_ACCOUNT_ID = 8_100_000_000


@dataclass(frozen=True, slots=True)
class Habit:
    """A habitual hashtag of an author, used from `start` until before `end` (shares of the sample's posts, 0..1)."""

    hashtag: str
    start: float = 0.0
    end: float = 1.0

    def is_active_at(self, moment: float) -> bool:
        """Return whether the author has the habit at `moment` (0..1)."""
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Person:
    """One author.

    Attributes:
        username: unique user name.
        account_id: the account's number.
        languages: the main language, and possibly a second one.
        activity: how often the author posts, relative to the others.
        joins: share of the sample's time (0..1) before which the author posts nothing.
        habits: habitual hashtags, each with its period.
    """

    username: str
    account_id: int
    languages: tuple[Language, ...]
    activity: float
    joins: float
    habits: tuple[Habit, ...]


def make_people(users: int, rng: random.Random) -> list[Person]:
    """Return `users` authors whose main languages follow the shares of `LANGUAGES`."""
    main_languages = _main_languages(users, rng)
    newcomers = set(rng.sample(range(users), users // 10))
    return [
        Person(
            username=_username(index),
            account_id=FIRST_ACCOUNT_ID + index * 7_919 + 17,
            languages=_languages(language, rng),
            activity=rng.lognormvariate(0.0, 0.6),
            joins=rng.uniform(0.4, 0.93) if index in newcomers else 0.0,
            habits=_habits(language, rng),
        )
        for index, language in enumerate(main_languages)
    ]


def _username(index: int) -> str:
    round_, name = divmod(index, len(_NAMES))
    ending = _ENDINGS[(round_ + 3 * name) % len(_ENDINGS)]
    return f"{_NAMES[name]}{ending}" if round_ < len(_ENDINGS) else f"{_NAMES[name]}{ending}{round_}"


def _main_languages(users: int, rng: random.Random) -> list[Language]:
    """Assign main languages by their shares, as evenly as whole authors allow, in random order."""
    dealt: list[Language] = []
    given = dict.fromkeys((language.code for language in LANGUAGES), 0)
    for number in range(1, users + 1):
        language = max(LANGUAGES, key=lambda one: one.share * number - given[one.code])
        given[language.code] += 1
        dealt.append(language)
    rng.shuffle(dealt)
    return dealt


def _languages(main: Language, rng: random.Random) -> tuple[Language, ...]:
    if rng.random() >= 0.35:
        return (main,)
    others = [language for language in LANGUAGES if language.code != main.code]
    weights = [language.share for language in others]
    return (main, rng.choices(others, weights)[0])


def _habits(language: Language, rng: random.Random) -> tuple[Habit, ...]:
    count = rng.choice((2, 2, 3))
    local = LOCAL_HABIT_HASHTAGS.get(language.code)
    own = [rng.choice(local)] if local and rng.random() < 0.6 else []
    own += rng.sample(HABIT_HASHTAGS, count - len(own))
    habits = [Habit(hashtag) for hashtag in own]
    if rng.random() < 0.35:
        turn = rng.uniform(0.3, 0.9)
        successor = rng.choice([hashtag for hashtag in HABIT_HASHTAGS if hashtag not in own])
        habits[-1] = Habit(habits[-1].hashtag, end=turn)
        habits.append(Habit(successor, start=turn))
    if rng.random() < 0.35:
        habits.append(Habit(rng.choice(LATE_HASHTAGS), start=rng.uniform(0.81, 0.92)))
    return tuple(habits)
