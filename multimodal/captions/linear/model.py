"""`LinearModel`: a score per class from sparse features, with sparse weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.storage.array_files import ArrayForm, load_matrices, matrix_parts, save_arrays

FILE = "linear.safetensors"
_WHAT = "weights of the linear model"


@dataclass(frozen=True, slots=True)
class LinearModel:
    """x W + b.

    Attributes:
        weights: (F, C) sparse float32.
        bias: (C,) float32.
    """

    weights: sparse.csr_matrix
    bias: NDArray[np.float32]

    def scores(self, features: sparse.csr_matrix) -> NDArray[np.float64]:
        """Return (B, C) of (B, F) sparse features; a row's scores depend on it alone."""
        rows = features.astype(np.float64) @ self.weights.astype(np.float64)
        dense: NDArray[np.float64] = rows.toarray()
        return dense + self.bias

    def pruned(self, smallest: float) -> LinearModel:
        """Return the model without weights of absolute value below `smallest`."""
        weights = self.weights.copy()
        weights.data[np.abs(weights.data) < smallest] = 0
        weights.eliminate_zeros()
        return LinearModel(weights, self.bias)

    def save(self, folder: Path) -> None:
        """Write `linear.safetensors`."""
        save_arrays(folder / FILE, {**matrix_parts("weights", self.weights), "bias": self.bias})

    @classmethod
    def load(cls, folder: Path, features: int, classes: int) -> LinearModel:
        """Restore what `save` wrote.

        Raises:
            RunError: the file is missing, damaged, or of another size.
        """
        bias = {"bias": ArrayForm("float32", (classes,))}
        matrices, arrays = load_matrices(folder / FILE, _WHAT, {"weights": (features, classes)}, bias)
        return cls(matrices["weights"], arrays["bias"])


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return exp(x) / Σ exp(x) of each row, (B, C)."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return shares


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-x)) without overflow."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))
