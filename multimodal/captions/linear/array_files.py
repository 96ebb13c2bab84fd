"""Numpy arrays and sparse matrices in one safetensors file, checked when they are read back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy import sparse

from data_loaders.errors import RunError
from multimodal.storage.run_folder import write_atomically

Arrays = dict[str, NDArray[Any]]
_PARTS = ("data", "columns", "ends")


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays in one step.

    Raises:
        RunError: the disk is full or the folder cannot be written.
    """
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomically(path, lambda temporary: _save(contiguous, temporary))


def _save(arrays: Arrays, path: Path) -> None:
    try:
        save_file(arrays, path)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def load_arrays(path: Path, what: str, *shapes: tuple[str, tuple[int | None, ...]]) -> Arrays:
    """Return what `save_arrays` wrote.

    Args:
        path: the file.
        what: its content, for messages.
        shapes: name and shape of each required array; None for any length.

    Raises:
        RunError: missing or damaged, or an array is missing, has another shape or a number that is not finite.
    """
    if not path.is_file():
        raise RunError(f"{path} ({what}) is missing; the folder is incomplete, copy it again or train again.")
    try:
        arrays: Arrays = load_file(path)
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path} ({what}) is damaged: {error}") from None
    for name, shape in shapes:
        seen = arrays[name].shape if name in arrays else None
        fits = seen is not None and len(seen) == len(shape)
        if not fits or any(size not in (None, n) for n, size in zip(seen or (), shape, strict=True)):
            raise RunError(f"{path} ({what}) does not fit: {name} has the shape {seen}, {shape} is needed.")
        if not np.isfinite(arrays[name]).all():
            raise RunError(f"{path} ({what}) is damaged: {name} has numbers that are not finite.")
    return arrays


def matrix_parts(name: str, matrix: sparse.csr_matrix) -> Arrays:
    """Return the arrays of a sparse matrix, float32, for `save_arrays`."""
    parts = (matrix.data.astype(np.float32), matrix.indices.astype(np.int32), matrix.indptr.astype(np.int64))
    return {f"{name}.{part}": array for part, array in zip(_PARTS, parts, strict=True)}


def load_matrices(
    path: Path, what: str, matrices: Mapping[str, tuple[int, int]], *shapes: tuple[str, tuple[int | None, ...]]
) -> tuple[dict[str, sparse.csr_matrix], Arrays]:
    """Return the sparse matrices of a file, saved as their `matrix_parts`, and its other arrays.

    Args:
        path: the file.
        what: its content, for messages.
        matrices: name and shape of each.
        shapes: of the other arrays, see `load_arrays`.

    Raises:
        RunError: see `load_arrays`; or the parts do not form a matrix of that shape.
    """
    needed: list[tuple[str, tuple[int | None, ...]]] = [*shapes]
    for name, (rows, _) in matrices.items():
        needed += [(f"{name}.data", (None,)), (f"{name}.columns", (None,)), (f"{name}.ends", (rows + 1,))]
    arrays = load_arrays(path, what, *needed)
    loaded = {}
    for name, shape in matrices.items():
        data, columns, ends = (arrays.pop(f"{name}.{part}") for part in _PARTS)
        try:
            loaded[name] = sparse.csr_matrix((data, columns, ends), shape)
            loaded[name].check_format(full_check=True)
        except ValueError as error:
            raise RunError(f"{path} ({what}) is damaged: {name} is not a matrix of {shape}: {error}") from None
    return loaded, arrays
