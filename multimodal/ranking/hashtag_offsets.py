"""How much more or less a user wants single hashtags, learned from feedback: an offset per hashtag on log-odds.

With δ ~ N(0, τ²) for each hashtag, and the chances p of those that the user accepted (y = 1) or rejected (y = 0), one
step of Newton from δ = 0 gives δ = Σ (y - p) / (Σ p (1 - p) + 1 / τ²), as for sources (see `source_offsets`). What
a post that is remembered itself says of the user is not said twice: feedback on it has a smaller τ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from multimodal.memory.posts.user_notes import Feedback

# Of a hashtag that was not shown: none where the user wrote it, even odds where the user turned it down.
_CHANCE_ADDED, _CHANCE_REJECTED = 0.0, 0.5


@dataclass(frozen=True, slots=True)
class HashtagSettings:
    """How far offsets of hashtags may go.

    Attributes:
        spread: τ, above 0; the smaller, the more feedback it takes.
        remembered: τ of feedback on posts that are remembered.
        bound: the largest |δ|, above 0.
        last: how many of the last feedbacks are read.
    """

    spread: float = 1.5
    remembered: float = 0.3
    bound: float = 4.0
    last: int = 200


def hashtag_offsets(
    feedback: Sequence[Feedback],
    before_us: int,
    is_remembered: Callable[[str], bool],
    settings: HashtagSettings | None = None,
) -> dict[str, float]:
    """Return δ of each hashtag that the user accepted, added or rejected.

    Args:
        feedback: of one user; only what counts from before an instant is read.
        before_us: that instant.
        is_remembered: whether the post of this id is remembered.
        settings: None for the default ones.
    """
    settings = settings or HashtagSettings()
    earlier = [one for one in feedback if one.instant_us < before_us][-settings.last :]
    sums: dict[tuple[str, float], tuple[float, float]] = {}
    for one in earlier:
        known = one.post_id is not None and is_remembered(one.post_id)
        spread = settings.remembered if known else settings.spread
        for hashtag, surprise, weight in _judged(one):
            up, down = sums.get((hashtag, spread), (0.0, spread**-2))
            sums[hashtag, spread] = up + surprise, down + weight
    offsets: dict[str, float] = {}
    for (hashtag, _), (up, down) in sums.items():
        offsets[hashtag] = offsets.get(hashtag, 0.0) + up / down
    return {hashtag: min(max(offset, -settings.bound), settings.bound) for hashtag, offset in offsets.items()}


def _judged(feedback: Feedback) -> Iterator[tuple[str, float, float]]:
    """Yield y - p and p (1 - p) of each hashtag; of one that was both, acceptance counts."""
    judged = {**dict.fromkeys(feedback.rejected, 0.0), **dict.fromkeys(feedback.accepted, 1.0)}
    for hashtag, truth in judged.items():
        chance = feedback.chances.get(hashtag, _CHANCE_ADDED if truth else _CHANCE_REJECTED)
        yield hashtag, truth - chance, chance * (1.0 - chance)
