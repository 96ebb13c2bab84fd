"""The events of the log: what happened, in the order in which it was acknowledged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.log.pseudonyms import unmasked

Vectors: TypeAlias = "Mapping[str, NDArray[np.float32]]"


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The hashed terms of a caption, a sparse row.

    Attributes:
        slots: (T,) int32.
        weights: (T,) float32.
    """

    slots: NDArray[np.int32]
    weights: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PostObserved:
    """A post is remembered from now on.

    Attributes:
        post_id: not empty; a log observes an id once.
        user_id: the author; None when unknown.
        instant_us: the post's time, see `Post.instant_us`.
        hashtags: canonical.
        caption: the text, where it is to be kept.
        language: of the caption, where known.
        terms: of the caption, None where the memory keeps none.
        mentions: slots of the names that the caption addresses, None where the memory keeps none.
        vectors: by space, each (width,) float32 of finite numbers.
    """

    post_id: str
    user_id: str | None
    instant_us: int
    hashtags: tuple[str, ...]
    caption: str | None = None
    language: str | None = None
    terms: Terms | None = None
    mentions: tuple[int, ...] | None = None
    vectors: Vectors = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PostCorrected:
    """A remembered post is another one than was thought; what is None stays as it was.

    Attributes:
        post_id: of the post.
        user_id: its author, where known: `erase` finds the correction by it even if the post is not in this log.
        hashtags: canonical.
        caption: the text, where it is to be kept.
        language: of the caption.
        terms: of the caption.
        mentions: slots of the names that the caption addresses.
        vectors: of all spaces, each (width,) float32.
    """

    post_id: str
    user_id: str | None = None
    hashtags: tuple[str, ...] | None = None
    caption: str | None = None
    language: str | None = None
    terms: Terms | None = None
    mentions: tuple[int, ...] | None = None
    vectors: Vectors | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PostWithdrawn:
    """A remembered post is no longer part of any answer.

    Attributes:
        post_id: of the post.
        user_id: its author, where known, as in `PostCorrected`.
    """

    post_id: str
    user_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeedbackGiven:
    """What a user did with an answer.

    Attributes:
        user_id: who was answered; None when unknown.
        instant_us: when.
        post_id: the post that the answer was for; None when it has no id.
        shown: hashtags of the answer, best first.
        accepted: those of them that were taken.
        rejected: those of them that were turned down.
        added: others that the user wrote.
        chances: of hashtags of the answer, where it has chances: that they are true.
        effects: of hashtags of the answer, where it says what brought them: the effect of each source.
    """

    user_id: str | None
    instant_us: int
    post_id: str | None = None
    shown: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    chances: Mapping[str, float] = field(default_factory=dict)
    effects: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RulesSet:
    """A user's rules for answers are these from now on, in place of earlier ones.

    Attributes:
        user_id: the user.
        instant_us: when.
        rules: as JSON holds them; empty for none.
    """

    user_id: str
    instant_us: int
    rules: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UserForgotten:
    """Everything about a user that stands before this event no longer counts.

    Erasing keeps the event, so that replicas and restored copies of the memory follow it, under a pseudonym.
    Compare users by `is_about`, never by `user_id`.

    Attributes:
        user_id: the user; after erasing, `pseudonym` of it.
        instant_us: when.
    """

    user_id: str
    instant_us: int

    def is_about(self, user_id: str | None) -> bool:
        """Return whether this is the user that was forgotten."""
        return user_id is not None and bool(unmasked([self.user_id], [user_id]))


Event: TypeAlias = "PostObserved | PostCorrected | PostWithdrawn | FeedbackGiven | RulesSet | UserForgotten"
