"""Split posts into train, validation and test: by time, by each user's own time, or at random."""

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
    "With a random split, train posts can be later than test posts, so history leaks the future: scores are higher "
    "than in real use. Prefer --split time where posts have timestamps."
)
_Ints: TypeAlias = NDArray[np.int64]
_Users: TypeAlias = NDArray[np.int64] | NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class SplitResult:
    """The split of every post.

    Attributes:
        split_ids: (N,) indices into `SPLITS`.
        method: `time`, `user` or `random`.
        reason: why this method was used.
        followed: (N,) which posts moved to another split to stay with the first of their near-duplicates.
        cuts_us: for `time`, the times at which validation and test begin, except for moved posts.
        warnings: caveats for reading the scores.
    """

    split_ids: _Ints
    method: str
    reason: str
    followed: NDArray[np.bool_]
    cuts_us: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def moved(self) -> int:
        """Number of posts that moved to another split to stay with their near-duplicates."""
        return int(self.followed.sum())


def split_posts(
    instants_us: _Ints,
    dated: NDArray[np.bool_],
    users: _Users,
    *,
    method: SplitMethod = "auto",
    fractions: Fractions = DEFAULT_FRACTIONS,
    groups: _Ints | None = None,
    tagged: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> SplitResult:
    """Split N posts into train, validation and test.

    - `time`: the same cuts in time for all users. Posts of the same instant stay together (the cut moves to the nearest
      change of instant, and on to the nearest that leaves every split posts with hashtags, with a warning); undated
      posts go to train.
    - `user`: each user's posts in time order, with the i-th of n at (i + ½) / n. Posts of the same instant stay
      together; posts without a user go to train.
    - `random`: by seed.
    - `auto`: `time` if at least half the posts are dated, otherwise `random`.

    All near-duplicates go to the split of their group's first post (by time, undated posts first). So a test post never
    repeats a train post: a later repeat of a train post is moved to train.

    Args:
        instants_us: (N,) times of the posts; undated ones in dump order before all dated ones.
        dated: (N,) whether the post has a timestamp.
        users: (N,) user numbers, -1 for none.
        method: one of `SPLIT_METHODS`, see above.
        fractions: shares of train, validation and test.
        groups: (N,) numbers of near-duplicate groups; None if there are none.
        tagged: (N,) whether the post has hashtags; every split needs such a post. None if all have.
        seed: seed of the random split.

    Raises:
        DataError: the method is unknown, the fractions do not add up to 1, there are no timestamps or users to split
            by, or a split is left empty.
    """
    check_split(method, fractions)
    chosen, reason = _choose(method, dated, users)
    groups = np.arange(len(instants_us)) if groups is None else groups
    tagged = np.ones(len(instants_us), np.bool_) if tagged is None else tagged
    cuts: tuple[int, ...] = ()
    warnings: tuple[str, ...] = (RANDOM_WARNING,) if chosen == "random" else ()
    if chosen == "time":
        cuts = _time_cuts(instants_us[dated], fractions)
        initial = _by_time(instants_us, dated, cuts)
        if not np.bincount(_follow_first(initial, instants_us, groups), minlength=3).all():
            cuts = _nearest_cuts(instants_us, dated, groups, tagged, fractions) or cuts
            initial = _by_time(instants_us, dated, cuts)
            warnings = (_cuts_moved(initial, fractions),)
    elif chosen == "user":
        initial = _by_user(instants_us, users, fractions)
    else:
        initial = _at_random(groups, fractions, seed)
    split_ids = _follow_first(initial, instants_us, groups)
    followed = np.asarray(split_ids != initial)
    _refuse_empty_split(split_ids, tagged, chosen, fractions, int(followed.sum()))
    return SplitResult(
        split_ids=split_ids, method=chosen, reason=reason, followed=followed, cuts_us=cuts, warnings=warnings
    )


def check_split(method: str, fractions: Fractions) -> None:
    """Refuse an unknown split method or invalid fractions.

    Raises:
        DataError: the method is unknown, or the fractions are not three shares above 0 that add up to 1.
    """
    if method not in SPLIT_METHODS:
        hint = nearest(method, SPLIT_METHODS)
        raise DataError(f"split {method!r} is unknown; accepted: {', '.join(SPLIT_METHODS)}.{hint}")
    shown = " ".join(f"{fraction:g}" for fraction in fractions)
    # Of NaN nothing is true.
    if len(fractions) != 3 or not all(fraction > 0 for fraction in fractions) or not abs(sum(fractions) - 1) <= 1e-6:
        raise DataError(
            f"split fractions {shown}; accepted: three shares above 0 that add up to 1, "
            "for example --fractions 0.8 0.1 0.1"
        )


def _choose(method: str, dated: NDArray[np.bool_], users: _Users) -> tuple[str, str]:
    share = float(dated.mean()) if len(dated) else 0.0
    if method == "auto":
        if share >= 0.5:
            return "time", f"chosen because {100 * share:.0f} % of the posts have timestamps"
        return "random", f"chosen because only {100 * share:.0f} % of the posts have timestamps"
    if method == "time" and not dated.any():
        raise DataError("split 'time' needs timestamps, but no post has one; use --split random or --split user")
    if method == "user" and not (users >= 0).any():
        raise DataError("split 'user' needs users, but no post has one; use --split time or --split random")
    return method, "asked for"


def _time_cuts(instants_us: _Ints, fractions: Fractions) -> tuple[int, ...]:
    """Return the times at which validation and test begin; a time after the last post leaves the split empty."""
    ordered = np.sort(instants_us)
    positions = [_nearest_change(ordered, round(len(ordered) * share)) for share in np.cumsum(fractions[:2])]
    return tuple(int(ordered[cut]) if cut < len(ordered) else int(ordered[-1]) + 1 for cut in positions)


def _by_time(instants_us: _Ints, dated: NDArray[np.bool_], cuts: tuple[int, ...]) -> _Ints:
    return np.where(dated, sum((instants_us >= cut).astype(np.int64) for cut in cuts), 0)


def _nearest_cuts(
    instants_us: _Ints, dated: NDArray[np.bool_], groups: _Ints, tagged: NDArray[np.bool_], fractions: Fractions
) -> tuple[int, ...]:
    """Return the cuts nearest to the shares that leave every split posts with hashtags; none if there are none."""
    ordered = np.sort(instants_us[dated])
    changes = np.unique(ordered)
    places = np.searchsorted(ordered, changes)
    # A post goes where the first of its near-duplicates goes.
    firsts = np.sort(_follow_first(instants_us, instants_us, groups)[tagged])
    later = len(firsts) - np.searchsorted(firsts, changes)
    begins = np.flatnonzero(later < len(firsts))
    ends = begins[(later[begins] > 0) & (later[begins] < later[begins].max(initial=0))]
    if not len(ends):
        return ()
    first, second = (round(len(ordered) * share) for share in np.cumsum(fractions[:2]))
    nearest_begin = int(np.argmin(np.abs(places[begins] - first)))
    last_begins = np.searchsorted(-later[begins], -later[ends]) - 1
    matching = begins[np.minimum(nearest_begin, last_begins)]
    best = int(np.argmin(np.abs(places[matching] - first) + np.abs(places[ends] - second)))
    return int(changes[matching[best]]), int(changes[ends[best]])


def _cuts_moved(split_ids: _Ints, fractions: Fractions) -> str:
    shares = np.bincount(split_ids, minlength=3) / len(split_ids)
    got, asked = (" / ".join(f"{100 * share:.0f} %" for share in each) for each in (shares, fractions))
    return (
        "So many posts have the same time, for example the same day, that the usual cuts leave a split empty. They "
        f"moved to the nearest times that leave every split posts: {got} of the posts instead of {asked}. Times of "
        "day, where the source has them, give finer cuts."
    )


def _nearest_change(ordered: _Ints, position: int) -> int:
    """Return the position nearest to `position` whose value differs from the one before it."""
    if position <= 0 or position >= len(ordered):
        return min(max(position, 0), len(ordered))
    low = int(np.searchsorted(ordered, ordered[position], side="left"))
    high = int(np.searchsorted(ordered, ordered[position], side="right"))
    return low if position - low <= high - position else high


def _by_user(instants_us: _Ints, users: _Users, fractions: Fractions) -> _Ints:
    with_user = np.flatnonzero(users >= 0)
    order = with_user[np.lexsort((with_user, instants_us[with_user], users[with_user]))]
    codes, instants = users[order], instants_us[order]
    positions = np.arange(len(order))
    new_user = np.r_[True, codes[1:] != codes[:-1]]
    new_instant = new_user | np.r_[True, instants[1:] != instants[:-1]]
    starts = np.flatnonzero(new_user)
    lengths = np.diff(np.r_[starts, len(order)])
    user_of = np.cumsum(new_user) - 1
    # All posts of one instant take the position of the first of them.
    first_of_instant = np.maximum.accumulate(np.where(new_instant, positions, 0))
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
    """Move every post to the split of the first post of its group."""
    order = np.lexsort((np.arange(len(groups)), instants_us))
    _, first, unit_of = np.unique(groups[order], return_index=True, return_inverse=True)
    followed = np.empty_like(split_ids)
    followed[order] = split_ids[order][first[unit_of]]
    return followed


def _refuse_empty_split(
    split_ids: _Ints, tagged: NDArray[np.bool_], method: str, fractions: Fractions, moved: int
) -> None:
    for split_id, name in enumerate(SPLITS):
        if (tagged & (split_ids == split_id)).any():
            continue
        held = int((split_ids == split_id).sum())
        what = f"has {held:,} posts but none with hashtags" if held else "has no posts"
        together = f" {moved:,} posts moved to stay with near-duplicates (--no-near-duplicates)." if moved else ""
        shares = " ".join(f"{fraction:g}" for fraction in fractions)
        raise DataError(
            f"the {name} split {what}: {len(split_ids):,} posts ({int(tagged.sum()):,} with hashtags) split by "
            f"{method} with fractions {shares}.{together} Use more posts, a larger share for {name} (--fractions), or "
            "another method (--split time, user or random)"
        )
