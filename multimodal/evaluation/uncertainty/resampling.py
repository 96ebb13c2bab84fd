"""Sums over reweighted posts or users, for a thousand reweightings at once and a million posts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import DataError, UserError
from multimodal.evaluation.metrics.accuracy import Floats, Ints
from multimodal.evaluation.metrics.chunks import chunks, map_chunks

Unit = Literal["posts", "users"]
# Gives the weights (R, n) of one chunk of units, for R reweightings.
Weights = Callable[[slice], Floats]
_CHUNK = 1024
# A percentile interval of fewer clusters is too narrow (Cameron, Gelbach & Miller, 10.1162/rest.90.3.414).
_FEW_UNITS = 20


def draw_with_replacement(units: int, resamples: int, seed: int) -> Weights:
    """Return how often each unit is drawn in bootstrap samples of `units` draws: exact multinomial counts.

    How many draws fall into each chunk is drawn first, then where in the chunk they fall; so no table of
    resamples x units is ever held.
    """
    starts = np.arange(0, units, _CHUNK)
    sizes = np.minimum(starts + _CHUNK, units) - starts
    per_chunk = np.random.default_rng([seed, 0]).multinomial(units, sizes / units, size=resamples)

    def weights(chunk: slice) -> Floats:
        number, size = chunk.start // _CHUNK, chunk.stop - chunk.start
        draws = per_chunk[:, number]
        rng = np.random.default_rng([seed, 1, number])
        cells = np.repeat(np.arange(resamples) * size, draws) + rng.integers(0, size, int(draws.sum()))
        return np.bincount(cells, minlength=resamples * size).reshape(resamples, size).astype(np.float64)

    return weights


def draw_signs(units: int, permutations: int, seed: int, part: int = 0) -> tuple[Weights, bool]:
    """Return a sign, -1 or 1, for each unit and permutation, and whether these are all there are.

    Args:
        permutations: how many sign patterns; where no more than that exist at all, each is given once.
        part: another number draws further patterns.
    """
    if units < 60 and 2**units <= permutations:
        patterns = np.arange(2**units)

        def every(chunk: slice) -> Floats:
            bits = (patterns[:, None] >> np.arange(chunk.start, chunk.stop)) & 1
            signs: Floats = 1.0 - 2.0 * bits.astype(np.float64)
            return signs

        return every, True

    def weights(chunk: slice) -> Floats:
        rng = np.random.default_rng([seed, 2, chunk.start // _CHUNK, *([part] if part else [])])
        signs: Floats = rng.integers(0, 2, (permutations, chunk.stop - chunk.start), dtype=np.int8).astype(np.float64)
        signs *= -2.0
        signs += 1.0
        return signs

    return weights, False


def weighted_sums(weights: Weights, terms: Callable[[slice], Floats], units: int, description: str) -> Floats:
    """Return weights @ terms, (R, M), a chunk of units at a time.

    Args:
        weights: gives (R, n) for a chunk of n units.
        terms: gives (n, M) for the same.
    """
    total: Floats | None = None
    for part in map_chunks(lambda chunk: weights(chunk) @ terms(chunk), units, _CHUNK, description, unit="units"):
        total = part if total is None else total + part
    if total is None:
        raise DataError("there are no posts to draw from.")
    return total


def sums_by_user(terms: Callable[[slice], Floats], users: Ints, description: str) -> Floats:
    """Return the sum of terms over the posts of each user, (U, M).

    Args:
        terms: gives (n, M) for a chunk of posts.
        users: (N,) number of each post's user, from `user_numbers`.
    """
    from scipy import sparse

    count = int(users.max(initial=-1)) + 1
    total: Floats | None = None
    for chunk in chunks(len(users), _CHUNK, description):
        present, local = np.unique(users[chunk], return_inverse=True)
        belongs = sparse.csr_array((np.ones(len(local)), (local, np.arange(len(local)))))
        values = terms(chunk)
        if total is None:
            total = np.zeros((count, values.shape[1]))
        total[present] += belongs @ values
    return np.zeros((0, 0)) if total is None else total


def user_numbers(user_ids: Sequence[str | None] | None, unit: Unit) -> Ints | None:
    """Return the number of each post's user, or None for `posts`; a post of an unknown user stands for itself.

    Raises:
        UserError: `users`, but it is not known whose the posts are; or another unit.
    """
    if unit == "posts":
        return None
    if unit != "users":
        raise UserError(f"unit: {unit!r} cannot be resampled; accepted are posts, users.")
    if user_ids is None or all(user is None for user in user_ids):
        raise UserError("unit: users cannot be resampled, for these posts have no user_id; use posts.")
    index: dict[str | tuple[int], int] = {}
    keys = ((row,) if user is None else user for row, user in enumerate(user_ids))
    return np.array([index.setdefault(key, len(index)) for key in keys], np.int64)


def percentiles(resampled: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the ends of the percentile intervals over the resamples, which are the first axis."""
    tail = (1 - level) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0)
    return low, high


def count_units(posts: int, user_ids: Sequence[str | None] | None, unit: Unit) -> int:
    """Return how many posts or users are resampled."""
    users = user_numbers(user_ids, unit)
    return posts if users is None else int(users.max(initial=-1)) + 1


def few_units(units: int, unit: Unit) -> list[str]:
    """Return what to say of intervals and tests over so few units; nothing if there are enough."""
    if units >= _FEW_UNITS:
        return []
    return [
        f"only {units} {unit if units != 1 else unit.removesuffix('s')}: intervals over so few are too narrow, and say "
        f"little about other {unit}"
    ]


def check_count(name: str, value: int) -> None:
    """Check a number of resamples.

    Raises:
        UserError: below 1.
    """
    if value < 1:
        raise UserError(f"{name}: {value} is too few; give at least 1 (1,000 is common).")


def unit_terms(
    terms: Callable[[slice], Floats], posts: int, user_ids: Sequence[str | None] | None, unit: Unit
) -> tuple[Callable[[slice], Floats], int]:
    """Return terms per unit instead of per post, and how many units there are."""
    users = user_numbers(user_ids, unit)
    if users is None:
        return terms, posts
    sums: NDArray[np.float64] = sums_by_user(terms, users, "Adding up users")
    return lambda chunk: sums[chunk], len(sums)
