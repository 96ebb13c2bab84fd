"""Bands that hold at every K of a sweep at once, unlike intervals, each of which holds at its own K alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from multimodal.evaluation.metrics.accuracy import Floats

Curve = tuple[Floats, Floats]


def simultaneous_bands(curves: Sequence[Curve], level: float = 0.95) -> list[Curve]:
    """Return the lower and the upper end of the band of each curve.

    All curves are inside of their bands at all Ks in a share `level` of the resamples: value ± t standard errors, with
    t from the largest deviation of a resample anywhere (sup-t; Montiel Olea & Plagborg-Møller, 10.1002/jae.2656).

    Args:
        curves: (n_k,) values and (resamples, n_k) the same on resamples, which all curves share.
        level: between 0 and 1.
    """
    if not curves:
        return []
    values = np.concatenate([value for value, _ in curves])
    resampled = np.concatenate([draws for _, draws in curves], axis=1)
    error = resampled.std(axis=0, ddof=1) if len(resampled) > 1 else np.zeros(resampled.shape[1])
    moving = error > 0
    half = np.where(np.isnan(error), np.nan, 0.0)
    if moving.any():
        furthest = (np.abs(resampled[:, moving] - values[moving]) / error[moving]).max(axis=1)
        half[moving] = float(np.quantile(furthest, level)) * error[moving]
    cuts = np.cumsum([len(value) for value, _ in curves])[:-1]
    return list(zip(np.split(values - half, cuts), np.split(values + half, cuts), strict=True))
