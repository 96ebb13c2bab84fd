"""Numpy arrays and sparse matrices in one safetensors file, checked when they are read back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file
from scipy import sparse

from data_loaders.errors import RunError
from multimodal.storage.model_files import is_pickle, require_file
from multimodal.storage.run_folder import write_atomically

Arrays = dict[str, NDArray[Any]]
# Type and shape of each array.
Header = dict[str, tuple[str, tuple[int, ...]]]
_PARTS = ("data", "columns", "ends")
_TYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
          "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool"}  # fmt: skip
_NOTHING = np.empty(0, np.uint8)
_CHECKED_BYTES = 2**26


@dataclass(frozen=True, slots=True)
class ArrayForm:
    """What an array has to be; floating-point numbers always have to be finite.

    Attributes:
        dtype: name of its type, as in numpy.
        shape: None for any length.
        low: least number, None for any.
        high: largest number, None for any.
    """

    dtype: str
    shape: tuple[int | None, ...]
    low: float | None = None
    high: float | None = None


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


def read_header(path: Path, what: str) -> Header:
    """Return type and shape of each array of a file, without reading the arrays.

    Raises:
        RunError: missing, damaged, or a pickle.
    """
    require_file(path, what)
    try:
        with safe_open(path, "numpy") as file:
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118, this is not a dictionary
            return {
                name: (_TYPES.get(part.get_dtype(), part.get_dtype()), tuple(part.get_shape()))
                for name, part in parts.items()
            }
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path} ({what}) is damaged: {reason(path, error)}; copy it again or train again.") from None


def reason(path: Path, error: Exception) -> str:
    """Return why a safetensors file cannot be read."""
    if is_pickle(path):
        return "it is a pickle (as torch.save writes), which can run code when it is read, and not safetensors"
    return str(error)


def load_arrays(path: Path, what: str, forms: Mapping[str, ArrayForm], mapped: bool = False) -> Arrays:
    """Return what `save_arrays` wrote.

    Args:
        path: the file.
        what: its content, for messages.
        forms: what each array has to be; there may be no others.
        mapped: memory-map the file: the arrays are read-only and take memory only where they are read. On Windows,
            which would not let a mapped file be replaced, they are read all the same.

    Raises:
        RunError: missing or damaged, or an array is missing or unknown, or has another type, shape or range, or a
            number that is not finite.
    """
    header = read_header(path, what)
    unknown = sorted(header.keys() - forms.keys())
    if unknown:
        raise RunError(f"{path} ({what}) does not fit: it holds {unknown[0]!r}, which belongs to another model.")
    for name, form in forms.items():
        _check_form(path, what, name, header.get(name), form)
    mapped = mapped and os.name != "nt"
    arrays: Arrays = _map_file(path) if mapped else load_file(path)
    for name, form in forms.items():
        for block in _blocks(path, name, arrays[name]) if mapped else [arrays[name]]:
            _check_values(path, what, name, block, form)
    return arrays


def _blocks(path: Path, name: str, array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the values of a mapped array in parts, each mapped for itself, so that checking takes little memory."""
    first, entries = _data(path)
    first += entries[name]["data_offsets"][0]
    step = _CHECKED_BYTES // array.itemsize
    for start in range(0, array.size, step):
        count = min(step, array.size - start)
        yield np.asarray(np.memmap(path, array.dtype, "r", first + start * array.itemsize, (count,)))


def _map_file(path: Path) -> Arrays:
    """Memory-map the arrays of a valid safetensors file."""
    first, entries = _data(path)
    holds_data = any(entry["data_offsets"][1] for entry in entries.values())
    data: NDArray[np.uint8] = np.memmap(path, np.uint8, "r", offset=first) if holds_data else _NOTHING
    arrays: Arrays = {}
    for name, entry in entries.items():
        start, stop = entry["data_offsets"]
        arrays[name] = np.asarray(data)[start:stop].view(_TYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays


def _data(path: Path) -> tuple[int, dict[str, Any]]:
    """Return where the data of a safetensors file start, behind 8 bytes of length and a JSON header, and its header."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    return 8 + length, {name: entry for name, entry in header.items() if name != "__metadata__"}


def _check_form(path: Path, what: str, name: str, seen: tuple[str, tuple[int, ...]] | None, form: ArrayForm) -> None:
    dtype, shape = seen or (None, None)
    fits = shape is not None and len(shape) == len(form.shape)
    if not fits or any(size not in (None, n) for n, size in zip(shape or (), form.shape, strict=True)):
        raise RunError(f"{path} ({what}) does not fit: {name} has the shape {shape}, {form.shape} is needed.")
    if dtype != form.dtype:
        raise RunError(f"{path} ({what}) does not fit: {name} is of type {dtype}, {form.dtype} is needed.")


def _check_values(path: Path, what: str, name: str, array: NDArray[Any], form: ArrayForm) -> None:
    if not array.size:
        return
    least, most = array.min(), array.max()
    # Without a temporary array: both are NaN where any number is.
    if not (np.isfinite(least) and np.isfinite(most)):
        raise RunError(f"{path} ({what}) is damaged: {name} has numbers that are not finite.")
    if (form.low is not None and least < form.low) or (form.high is not None and most > form.high):
        low, high = ("any" if limit is None else limit for limit in (form.low, form.high))
        raise RunError(f"{path} ({what}) is damaged: {name} has numbers from {least} to {most}, not {low} to {high}.")


def check_ends(path: Path, what: str, name: str, ends: NDArray[np.int64], total: int) -> None:
    """Refuse ends of rows that fall, or that do not end with the last of `total` values.

    Raises:
        RunError: the file is damaged.
    """
    if (np.diff(ends) < 0).any() or (int(ends[-1]) if len(ends) else 0) != total:
        raise RunError(f"{path} ({what}) is damaged: {name} does not divide {total:,} values into rows.")


def matrix_parts(name: str, matrix: sparse.csr_matrix) -> Arrays:
    """Return the arrays of a sparse matrix, float32, for `save_arrays`."""
    parts = (matrix.data.astype(np.float32), matrix.indices.astype(np.int32), matrix.indptr.astype(np.int64))
    return {f"{name}.{part}": array for part, array in zip(_PARTS, parts, strict=True)}


def load_matrices(
    path: Path, what: str, matrices: Mapping[str, tuple[int, int]], forms: Mapping[str, ArrayForm]
) -> tuple[dict[str, sparse.csr_matrix], Arrays]:
    """Return the sparse matrices of a file, saved as their `matrix_parts`, and its other arrays.

    Args:
        path: the file.
        what: its content, for messages.
        matrices: name and shape of each.
        forms: of the other arrays, see `load_arrays`.

    Raises:
        RunError: see `load_arrays`; or the parts do not form a matrix of that shape.
    """
    needed = dict(forms)
    for name, (rows, _) in matrices.items():
        needed[f"{name}.data"] = ArrayForm("float32", (None,))
        needed[f"{name}.columns"] = ArrayForm("int32", (None,))
        needed[f"{name}.ends"] = ArrayForm("int64", (rows + 1,), 0)
    arrays = load_arrays(path, what, needed)
    loaded = {}
    for name, shape in matrices.items():
        data, columns, ends = (arrays.pop(f"{name}.{part}") for part in _PARTS)
        check_ends(path, what, f"{name}.ends", ends, len(columns))
        try:
            loaded[name] = sparse.csr_matrix((data, columns, ends), shape)
            loaded[name].check_format(full_check=True)
        except ValueError as error:
            raise RunError(f"{path} ({what}) is damaged: {name} is not a matrix of {shape}: {error}") from None
    return loaded, arrays
