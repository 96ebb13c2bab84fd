"""Call a recommender with what a caller may pass by mistake: an answer or a `UserError`, and the memory stays whole."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile_records import good_fields
from hostile_values import FIELDS, python_object
from isolation import Outcome
from trained_models import models

_CALLS = 40
_QUERY = {"caption": "a walk by the sea", "user_id": "u1"}


def recommend_and_observe(draw: random.Random, folder: Path) -> Outcome:
    """Make hostile calls; after every one the recommender must be as it was, or have learned what it was given."""
    from data_loaders.errors import UserError
    from multimodal import Recommender

    name = draw.choice(("debug", "debug", "popularity", "user_habit"))
    recommender, outcome = Recommender.from_pretrained(models() / name), Outcome()
    for number in range(_CALLS):
        outcome.tried += 1
        before = (len(recommender.memory), _answer(recommender))
        call, given = draw.choice(_HOSTILE_CALLS)(draw, number)
        try:
            added = call(recommender)
            outcome.kept += 1
        except UserError as error:
            added = 0
            outcome.refused += 1
            outcome.check(len(str(error)) < 2_000, "long message", str(error)[:300])
        except Exception as error:  # noqa: BLE001
            added = 0
            outcome.caught(f"{name}: {given}", error)
        try:
            after = (len(recommender.memory), _answer(recommender))
        except Exception as error:  # noqa: BLE001
            outcome.caught(f"{name}: after {given}", error)
            return outcome
        outcome.check(
            after[0] == before[0] + added, "other answer", f"{given}: {before[0]} + {added} posts became {after[0]}"
        )
        outcome.check(added > 0 or after[1] == before[1], "other answer", f"{given}: {before[1]} became {after[1]}")
    _check_saved(recommender, folder / "saved", outcome)
    return outcome


def _answer(recommender: Any) -> list[tuple[str, float]]:
    answer = [(one.hashtag, one.score) for one in recommender.recommend(**_QUERY, k=5)]
    if len({hashtag for hashtag, _ in answer}) != 5 or not all(math.isfinite(score) for _, score in answer):
        raise RuntimeError(f"no five hashtags with a score: {answer}")
    return answer


def _check_saved(recommender: Any, folder: Path, outcome: Outcome) -> None:
    recommender.save_pretrained(folder)
    again = type(recommender).from_pretrained(folder)
    outcome.check(_answer(again) == _answer(recommender), "other answer", "after save_pretrained and from_pretrained")
    outcome.check(len(again.memory) == len(recommender.memory), "lost", "posts of a saved memory")


def _fields(draw: random.Random, number: int, hostile: float) -> dict[str, Any]:
    """Return fields of a post, some hostile; the id is one of its own."""
    record = {key: value for key, value in good_fields(number).items() if draw.random() < 0.8}
    if "hashtags" in record:
        record["hashtags"] = list(record["hashtags"])
    for name in FIELDS:
        if draw.random() < hostile:
            record[name] = python_object(draw)
    return record


def _shown(given: object) -> str:
    try:
        return repr(given)[:300]
    except ValueError:  # a number of thousands of digits
        return f"a {type(given).__name__} that cannot be shown"


def _recommend(draw: random.Random, number: int) -> tuple[Callable[[Any], int], str]:
    fields = _fields(draw, number, 0.25)
    fields = {key: value for key, value in fields.items() if key in ("image", "caption", "user_id", "timestamp")}
    if draw.random() < 0.2:
        fields["k"] = draw.choice((0, -1, 1, 3, 10**9, 2.0, "3", None, True, python_object(draw)))
    if draw.random() < 0.3:
        fields["history"] = [_fields(draw, 100 + draw.randrange(50), 0.1) for _ in range(draw.randrange(4))]
    if draw.random() < 0.05:
        fields["history"] = python_object(draw)

    def call(recommender: Any) -> int:
        answer = recommender.recommend(**fields)
        if not all(isinstance(one.hashtag, str) and one.hashtag and math.isfinite(one.score) for one in answer):
            raise RuntimeError(f"an answer that is none: {answer}")
        return 0

    return call, f"recommend({_shown(fields)})"


def _recommend_many(draw: random.Random, number: int) -> tuple[Callable[[Any], int], str]:
    posts: Any = [_fields(draw, number * 10 + one, 0.05) for one in range(draw.randrange(5))]
    posts = python_object(draw) if draw.random() < 0.1 else posts

    def call(recommender: Any) -> int:
        answers = recommender.recommend_many(posts, 3)
        if [len(answer) for answer in answers] != [3] * len(posts):
            raise RuntimeError(f"{len(posts)} posts, answers of {[len(answer) for answer in answers]}")
        return 0

    return call, f"recommend_many({_shown(posts)})"


def _observe(draw: random.Random, number: int) -> tuple[Callable[[Any], int], str]:
    hostile = draw.choice((0.0, 0.1, 0.3))
    posts: Any = [_fields(draw, 1_000 + number * 10 + one, hostile) for one in range(draw.randrange(1, 4))]
    choice = draw.random()
    if choice < 0.2:
        posts = posts[0]
    elif choice < 0.3:
        posts = _post_of(posts[0])
    elif choice < 0.4:
        posts = python_object(draw)
    elif choice < 0.5:
        posts.append(python_object(draw))

    def call(recommender: Any) -> int:
        before = len(recommender.memory)
        recommender.observe(posts)
        many = isinstance(posts, list | tuple)
        return len(posts) if many else len(recommender.memory) - before

    return call, f"observe({_shown(posts)})"


def _post_of(fields: dict[str, Any]) -> Any:
    """Return a `Post` that holds the values as they are, unchecked."""
    from data_loaders.posts import Post

    return Post(**{"post_id": "made", **fields})


_HOSTILE_CALLS = (_recommend, _recommend, _observe, _observe, _recommend_many)
