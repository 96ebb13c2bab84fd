"""How certain a figure is: bootstrap intervals over posts or users, and the plain 50-sample interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data_loaders.errors import UserError
from multimodal.evaluation.metrics.accuracy import Floats, Ints
from multimodal.evaluation.metrics.catalogue import BEST_BY, METRICS
from multimodal.evaluation.metrics.outcomes import Outcomes
from multimodal.evaluation.uncertainty.ratios import base_columns, check_columns, metrics_of, terms
from multimodal.evaluation.uncertainty.resampling import (
    Unit,
    check_count,
    draw_with_replacement,
    percentiles,
    unit_terms,
    weighted_sums,
)


@dataclass(frozen=True)
class Bootstrap:
    """Metrics on the posts and on resamples of them.

    Attributes:
        ks: (n_k,) cut-offs.
        values: column → (n_k,) on the posts themselves.
        resampled: column → (resamples, n_k).
        unit: what was drawn.
        units: how many of them there are.
    """

    ks: Ints
    values: Mapping[str, Floats]
    resampled: Mapping[str, Floats]
    unit: Unit
    units: int

    def interval(self, column: str, level: float = 0.95) -> tuple[Floats, Floats]:
        """Return the lower and upper end of the percentile interval at each K.

        Raises:
            UserError: the level is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise UserError(f"level: {level} is not a share between 0 and 1, such as 0.95.")
        return percentiles(self.resampled[column], level)

    def table(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per column and K: k, metric, value, low, high, standard_error."""
        parts = []
        for column, values in self.values.items():
            low, high = self.interval(column, level)
            error = self.resampled[column].std(axis=0, ddof=1) if len(self.resampled[column]) > 1 else np.nan
            rows = {"k": self.ks, "metric": column, "value": values, "low": low, "high": high, "standard_error": error}
            parts.append(pd.DataFrame(rows))
        return pd.concat(parts, ignore_index=True)

    def best_k_shares(self, column: str = BEST_BY) -> dict[int, float]:
        """Return in what share of the resamples each K is the best by `column` (the smallest of equals)."""
        best = np.argmax(np.nan_to_num(self.resampled[column], nan=-np.inf), axis=1)
        counts = np.bincount(best, minlength=len(self.ks))
        return {int(k): float(count / len(best)) for k, count in zip(self.ks, counts, strict=True)}


def bootstrap(
    outcomes: Outcomes,
    columns: Sequence[str] = METRICS.headline,
    *,
    unit: Unit = "posts",
    resamples: int = 1000,
    seed: int = 0,
) -> Bootstrap:
    """Resample posts with replacement, or users with all their posts, and compute the metrics on each resample.

    `f1` is computed from the resample's mean precision and mean recall. Posts of one user are alike, so intervals
    over posts are too narrow where users wrote many; intervals over users are then the honest ones.

    Args:
        columns: metrics of posts, see `METRICS.of_posts`.
        unit: what is drawn; a post of an unknown user is drawn on its own.

    Raises:
        UserError: an unknown column or unit, no users, or fewer than one resample.
    """
    check_columns(columns, outcomes)
    check_count("resamples", resamples)
    bases = base_columns(columns)
    posts = len(outcomes)
    of_posts: Callable[[slice], Floats] = lambda chunk: terms(outcomes, bases, chunk)  # noqa: E731
    of_units, units = unit_terms(of_posts, posts, outcomes.user_ids, unit)
    draws = draw_with_replacement(units, resamples, seed)
    resampled = weighted_sums(draws, of_units, units, "Resampling")
    once = weighted_sums(lambda chunk: np.ones((1, chunk.stop - chunk.start)), of_units, units, "Adding up")
    values = {column: value[0] for column, value in metrics_of(once, bases, columns).items()}
    return Bootstrap(outcomes.ks, values, metrics_of(resampled, bases, columns), unit, units)


def sample_interval(
    outcomes: Outcomes, columns: Sequence[str] = METRICS.headline, *, samples: int = 50, z: float = 1.96, seed: int = 0
) -> pd.DataFrame:
    """Cut the posts at random into samples and return mean ± z s / √samples over them.

    This is the interval of published hashtag work that scores 50 samples of its test set, for comparison with it.
    It does not say how large its samples are; here they are the 50 parts of the set, which makes the interval a
    valid one (batch means). `bootstrap` over users is to be preferred.

    Args:
        samples: how many, at least 2.
        z: half the width in standard errors.

    Returns:
        One row per column and K: k, metric, value (mean over the samples), low, high.

    Raises:
        UserError: an unknown column, fewer than 2 samples, or fewer posts than samples.
    """
    check_columns(columns, outcomes)
    posts = len(outcomes)
    if not 2 <= samples <= posts:
        raise UserError(f"samples: {samples} samples of {posts:,} posts; give from 2 to {posts:,}.")
    sample_of = np.random.default_rng(seed).permutation(posts) % samples
    bases = base_columns(columns)
    member = np.arange(samples)[:, None]
    sums = weighted_sums(
        lambda chunk: (sample_of[chunk] == member).astype(np.float64),
        lambda chunk: terms(outcomes, bases, chunk),
        posts,
        "Scoring samples",
    )
    parts = []
    for column, values in metrics_of(sums, bases, columns).items():
        mean, half = values.mean(axis=0), z * values.std(axis=0, ddof=1) / np.sqrt(samples)
        rows = {"k": outcomes.ks, "metric": column, "value": mean, "low": mean - half, "high": mean + half}
        parts.append(pd.DataFrame(rows))
    return pd.concat(parts, ignore_index=True)
