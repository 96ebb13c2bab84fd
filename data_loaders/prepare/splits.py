"""Which posts are learned from, chosen on and judged on: by time, by each user's time, or at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import DataError, nearest

SPLITS = ("train", "validation", "test")
SPLIT_METHODS = ("auto", "time", "user", "random")
SplitMethod: TypeAlias = Literal["auto", "time", "user", "random"]
Fractions: TypeAlias = tuple[float, float, float]
DEFAULT_FRACTIONS: Fractions = (0.8, 0.1, 0.1)
RANDOM_WARNING = (
    "A random split lets the training posts come from after the test posts, so history leaks time: figures are "
    "higher than a service would see. Prefer --split time where posts have timestamps."
)
_Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class SplitResult:
    """The side of every post.

    Attributes:
        split_ids: (N,) indices into `SPLITS`.
        method: `time`, `user` or `random`.
        reason: a sentence: why this method.
        followed: (N,) whether a post follows the first of its near-duplicates to another side than its own.
        cuts_us: for `time`, the instants at which validation and test begin, bar posts that moved.
        warnings: what to keep in mind when reading figures.
    """

    split_ids: _Ints
    method: str
    reason: str
    followed: NDArray[np.bool_]
    cuts_us: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def moved(self) -> int:
        """How many posts follow the first of their near-duplicates to another side."""
        return int(self.followed.sum())


def split_posts(
    instants_us: _Ints,
    dated: NDArray[np.bool_],
    users: _Ints,
    *,
    method: SplitMethod = "auto",
    fractions: Fractions = DEFAULT_FRACTIONS,
    groups: _Ints | None = None,
    tagged: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> SplitResult:
    """Divide N posts into train, validation and test.

    `time`: one cut for all. Posts of the very same instant stay on one side (the cut moves to the nearest change
    of instant); undated posts are trained on. `user`: each user's posts in their own order, the i-th of n lying
    at (i + ½) / n; posts of the same instant stay together; posts without a user are trained on. `random`: by
    seed. `auto`: `time` when at least half the posts are dated, otherwise `random`.

    Near-duplicates stay whole on one side: that of the group's first post (by time, undated ones first). So a
    test post never repeats a post that was trained on; a later repeat of a train post is itself trained on.

    Args:
        instants_us: (N,) the order of the posts; undated ones in dump order before all dated ones.
        dated: (N,) whether the post has a timestamp.
        users: (N,) user numbers, -1 for none.
        method: see above.
        fractions: shares of train, validation and test.
        groups: (N,) numbers of near-duplicate groups; None: every post stands alone.
        tagged: (N,) whether the post has hashtags; each side must hold such a post. None: all have.
        seed: of the random split.

    Raises:
        DataError: unknown method, fractions that do not add up to 1, no timestamps or users to split by, or a
            side without posts.
    """
    check_split(method, fractions)
    chosen, reason = _choose(method, dated, users)
    groups = np.arange(len(instants_us)) if groups is None else groups
    cuts: tuple[int, ...] = ()
    if chosen == "time":
        cuts = _time_cuts(instants_us[dated], fractions)
        own = np.where(dated, sum((instants_us >= cut).astype(np.int64) for cut in cuts), 0)
    elif chosen == "user":
        own = _by_user(instants_us, users, fractions)
    else:
        own = _at_random(groups, fractions, seed)
    split_ids = _follow_first(own, instants_us, groups)
    _refuse_empty_split(split_ids, np.ones(len(split_ids), np.bool_) if tagged is None else tagged, chosen, fractions)
    warnings = (RANDOM_WARNING,) if chosen == "random" else ()
    followed = np.asarray(split_ids != own)
    return SplitResult(
        split_ids=split_ids, method=chosen, reason=reason, followed=followed, cuts_us=cuts, warnings=warnings
    )


def check_split(method: str, fractions: Fractions) -> None:
    """Refuse what no data set could be split by.

    Raises:
        DataError: the method is unknown, or the fractions are not three shares above 0 that add up to 1.
    """
    if method not in SPLIT_METHODS:
        hint = nearest(method, SPLIT_METHODS)
        raise DataError(f"split {method!r} is unknown; accepted: {', '.join(SPLIT_METHODS)}.{hint}")
    shown = " ".join(f"{fraction:g}" for fraction in fractions)
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise DataError(
            f"split fractions {shown}: three shares above 0 that add up to 1 are needed, "
            "for example --fractions 0.8 0.1 0.1"
        )


def _choose(method: str, dated: NDArray[np.bool_], users: _Ints) -> tuple[str, str]:
    share = float(dated.mean()) if len(dated) else 0.0
    if method == "auto":
        if share >= 0.5:
            return "time", f"chosen because {share:.0%} of the posts have timestamps"
        return "random", f"chosen because only {share:.0%} of the posts have timestamps"
    if method == "time" and not dated.any():
        raise DataError("split 'time' needs timestamps and no post has one; use --split random or --split user")
    if method == "user" and not (users >= 0).any():
        raise DataError("split 'user' needs users and no post has one; use --split time or --split random")
    return method, "asked for"


def _time_cuts(instants_us: _Ints, fractions: Fractions) -> tuple[int, ...]:
    """Return where validation and test begin; a cut after the last post begins nothing."""
    ordered = np.sort(instants_us)
    places = [_nearest_change(ordered, round(len(ordered) * share)) for share in np.cumsum(fractions[:2])]
    return tuple(int(ordered[place]) if place < len(ordered) else int(ordered[-1]) + 1 for place in places)


def _nearest_change(ordered: _Ints, place: int) -> int:
    """Return the place nearest to `place` before which and at which the values differ."""
    if place <= 0 or place >= len(ordered):
        return min(max(place, 0), len(ordered))
    low = int(np.searchsorted(ordered, ordered[place], side="left"))
    high = int(np.searchsorted(ordered, ordered[place], side="right"))
    return low if place - low <= high - place else high


def _by_user(instants_us: _Ints, users: _Ints, fractions: Fractions) -> _Ints:
    positions = np.flatnonzero(users >= 0)
    order = positions[np.lexsort((positions, instants_us[positions], users[positions]))]
    codes, instants = users[order], instants_us[order]
    places = np.arange(len(order))
    new_user = np.r_[True, codes[1:] != codes[:-1]]
    new_instant = new_user | np.r_[True, instants[1:] != instants[:-1]]
    starts = np.flatnonzero(new_user)
    lengths = np.diff(np.r_[starts, len(order)])
    user_of = np.cumsum(new_user) - 1
    # Every post of one instant takes the place of the first among them.
    first_of_instant = np.maximum.accumulate(np.where(new_instant, places, 0))
    share = (first_of_instant - starts[user_of] + 0.5) / lengths[user_of]
    split_ids = np.zeros(len(users), np.int64)
    split_ids[order] = (share >= fractions[0]).astype(np.int64) + (share >= fractions[0] + fractions[1])
    return split_ids


def _at_random(groups: _Ints, fractions: Fractions, seed: int) -> _Ints:
    _, unit_of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(sizes))
    middle = np.empty(len(sizes))
    middle[order] = (np.cumsum(sizes[order]) - sizes[order] / 2) / max(len(groups), 1)
    split_ids = (middle >= fractions[0]).astype(np.int64) + (middle >= fractions[0] + fractions[1])
    return np.asarray(split_ids[unit_of])


def _follow_first(split_ids: _Ints, instants_us: _Ints, groups: _Ints) -> _Ints:
    """Give every post the side of the first post of its group."""
    order = np.lexsort((np.arange(len(groups)), instants_us))
    _, first, unit_of = np.unique(groups[order], return_index=True, return_inverse=True)
    followed = np.empty_like(split_ids)
    followed[order] = split_ids[order][first[unit_of]]
    return followed


def _refuse_empty_split(split_ids: _Ints, tagged: NDArray[np.bool_], method: str, fractions: Fractions) -> None:
    for split_id, name in enumerate(SPLITS):
        if (tagged & (split_ids == split_id)).any():
            continue
        held = int((split_ids == split_id).sum())
        what = f"holds {held:,} posts but none with hashtags" if held else "is left without posts"
        raise DataError(
            f"the {name} split {what}: {len(split_ids):,} posts ({int(tagged.sum()):,} with hashtags) split by "
            f"{method} with fractions {' '.join(f'{fraction:g}' for fraction in fractions)}. Give more posts, a larger "
            f"share to {name} (--fractions), or another method (--split time, user or random)"
        )
