"""`k="auto"`: whether a System can choose the length of a list, and in which bounds."""

from __future__ import annotations

import operator
from typing import Literal, TypeAlias

import numpy as np

from data_loaders.errors import UserError, short_repr
from multimodal.ranking.list_length import AutoLength
from multimodal.systems.base import System

# How many hashtags: a number, or `auto`.
Length: TypeAlias = int | Literal["auto"]


def auto_length(system: System, minimum: int | None = None, maximum: int | None = None) -> AutoLength:
    """Return how the lengths of lists are chosen, by the chances of a System.

    Args:
        system: fitted.
        minimum: shortest list; None for 1.
        maximum: longest list; None for as many as the chances were calibrated on.

    Raises:
        UserError: the System has no probabilities, or the bounds cannot be used.
    """
    calibration = system.calibration
    if calibration is None or calibration.outside is None:
        raise UserError(
            f"k: 'auto' chooses a length by probabilities, and {_why(system)}; give a number, or ask a hybrid."
        )
    least = 1 if minimum is None else _whole("minimum", minimum)
    most = max(least, calibration.depth) if maximum is None else _whole("maximum", maximum)
    if least > most:
        raise UserError(f"minimum: {least} is above the maximum, {most}; give at most that.")
    return AutoLength(calibration, calibration.outside, least, most)


def _why(system: System) -> str:
    if not system.scores_are_chances:
        return f"the scores of {system.name!r} are not probabilities"
    if system.calibration is None:
        return f"this {system.name!r} was trained on too few validation posts to have any"
    return f"this {system.name!r} was trained by an earlier version, which kept too little for that: train it again"


def _whole(name: str, value: int) -> int:
    try:
        number = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < 1:
        raise UserError(f"{name}: {short_repr(value)} is not a number of hashtags; give a whole number of at least 1.")
    return number
