"""Choosing settings by F1@5 on several stretches of time, each judged with what was known before each post."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pydantic import Field

from data_loaders.posts import Post
from multimodal.config import Section
from multimodal.distributed.progress import shared_progress
from multimodal.training.validation_f1 import f1_of_hits

K = 5
Setting = TypeVar("Setting")
# The first K hashtags of each of some posts.
Lists = Iterable[Sequence[str]]
# Some posts → every setting with their lists.
ListsOf = Callable[[Sequence[Post]], Iterable[tuple[Setting, Lists]]]


class TuningConfig(Section):
    """The posts that settings are chosen by."""

    windows: int = Field(
        default=3,
        ge=1,
        le=20,
        description="stretches of time that count alike: the validation split, and stretches as long before it",
    )
    posts: int = Field(default=1_000, ge=1, description="at most so many posts of a window, evenly spaced")


def tuning_windows(train: Sequence[Post], validation: Sequence[Post], windows: int, posts: int) -> list[list[Post]]:
    """Return the posts of each window, oldest window first: the validation split, and as many posts before it.

    Args:
        train: the train split.
        validation: the validation split.
        windows: how many, fewer where the train split is too short.
        posts: at most so many posts with hashtags of each, evenly spaced.
    """
    earlier, size = sorted(train, key=lambda post: post.instant_us), len(validation)
    ends = range(len(earlier), 0, -size) if size else ()
    found = [list(validation), *(earlier[end - size : end] for end in ends if end >= size)]
    return [_spaced([post for post in window if post.hashtags], posts) for window in found[:windows][::-1]]


def _spaced(posts: list[Post], most: int) -> list[Post]:
    return posts[:: max(-(-len(posts) // most), 1)]


def choose(
    windows: Sequence[Sequence[Post]], lists: ListsOf[Setting], first: Setting
) -> tuple[Setting, dict[Setting, float]]:
    """Return the setting with the best mean over the windows of F1@5 (of means), and that of each setting.

    Args:
        windows: posts with hashtags; those without posts do not count.
        lists: makes the lists of every setting.
        first: the setting where there are no posts; of equal settings the earlier one wins.
    """
    sums: dict[Setting, float] = {}
    judged = [window for window in windows if window]
    with shared_progress("choosing settings", len(judged)) as advance:
        for window in judged:
            for setting, answers in lists(window):
                sums[setting] = sums.get(setting, 0.0) + _f1(answers, window)
            advance(1)
    scores = {setting: total / len(judged) for setting, total in sums.items()}
    return max(scores, key=lambda setting: round(scores[setting], 9), default=first), scores


def _f1(answers: Lists, posts: Sequence[Post]) -> float:
    hits = [len(set(answer) & set(post.hashtags)) for answer, post in zip(answers, posts, strict=True)]
    return float(f1_of_hits(hits, [len(post.hashtags) for post in posts], K))
