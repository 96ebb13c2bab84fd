"""Learning-rate schedules: a linear warm-up, then a fall to 0, or none."""

from __future__ import annotations

import math
from collections.abc import Callable

# Share of the steps after the warm-up → factor of the learning rate.
FALLS: dict[str, Callable[[float], float]] = {
    "cosine": lambda share: 0.5 * (1 + math.cos(math.pi * share)),
    "linear": lambda share: 1 - share,
    "constant": lambda share: 1.0,
}


def rate_factor(schedule: str, warmup: float, steps: int) -> Callable[[int], float]:
    """Return the factor of the learning rate, 0..1, by step.

    Args:
        schedule: a key of `FALLS`.
        warmup: share of the steps with a rising rate.
        steps: of the whole training.
    """
    fall, rising = FALLS[schedule], max(int(warmup * steps), 1)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return fall(min(1.0, (step - rising) / max(steps - rising, 1)))

    return factor
