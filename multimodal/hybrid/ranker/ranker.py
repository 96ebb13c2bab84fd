"""`Ranker`: from the features of candidates to log-odds, chances, and what each source added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from multimodal.hybrid.ranker.forest import Forest
from multimodal.hybrid.ranker.linear import Linear

Features = NDArray[np.float32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranker:
    """A fitted ranker; the answer for a candidate depends on its own features only, to the last bit.

    Attributes:
        names: of the F features, in the order of their columns.
        sources: (F) the source that each feature comes from.
        model: the trees, or the weights.
    """

    names: Sequence[str]
    sources: Sequence[str]
    model: Forest | Linear

    @property
    def kind(self) -> str:
        """What it is: `trees` or `linear`."""
        return "trees" if isinstance(self.model, Forest) else "linear"

    @cached_property
    def source_names(self) -> tuple[str, ...]:
        """The S sources, in the order in which they come first."""
        return tuple(dict.fromkeys(self.sources))

    @property
    def base(self) -> float:
        """The mean log-odds of the training rows, from which attributions count."""
        return self.model.base

    def log_odds(self, features: Features) -> Floats:
        """Return the log-odds that each candidate is a hashtag of its post, (n,).

        Args:
            features: (n, F); NaN for a missing value.

        Raises:
            ValueError: there are more or fewer features than `names`.
        """
        return self.model.log_odds(self._checked(features))

    def chances(self, features: Features) -> Floats:
        """Return the chance of each candidate, (n,), 0..1; see `log_odds`."""
        return chances_of(self.log_odds(features))

    def attribution(self, features: Features) -> Floats:
        """Return what each source added to the log-odds, (n, S), in the order of `source_names`.

        Together with `base` they sum to the log-odds.
        """
        number = {name: i for i, name in enumerate(self.source_names)}
        sources = np.array([number[source] for source in self.sources], np.int64)
        return self.model.attribution(self._checked(features), sources, len(number))

    def _checked(self, features: Features) -> Features:
        if features.ndim != 2 or features.shape[1] != len(self.names):
            raise ValueError(f"the ranker needs {len(self.names)} features a candidate, got the shape {features.shape}")
        return np.asarray(features, np.float32)


def chances_of(log_odds: Floats) -> Floats:
    """Return 1 / (1 + exp(-log-odds)), without an overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * log_odds))
