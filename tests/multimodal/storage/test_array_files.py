"""Arrays of a stranger's model: names, types, shapes, ranges, order and finite numbers."""

from __future__ import annotations

import json
import pickle
import struct

import numpy as np
import pytest
import torch
from scipy import sparse

from data_loaders.errors import RunError
from multimodal.storage import array_files
from multimodal.storage.array_files import (
    ArrayForm,
    check_ends,
    load_arrays,
    load_matrices,
    matrix_parts,
    read_header,
    save_arrays,
)

FORMS = {"rows": ArrayForm("int64", (None,), 0, 4), "weights": ArrayForm("float32", (2, 3))}
GOOD = {"rows": np.arange(5), "weights": np.ones((2, 3), np.float32)}


@pytest.mark.parametrize("mapped", [False, True])
def test_what_was_saved_comes_back(tmp_path, mapped):
    save_arrays(tmp_path / "a.safetensors", GOOD)
    loaded = load_arrays(tmp_path / "a.safetensors", "numbers", FORMS, mapped)
    assert {name: array.dtype.name for name, array in loaded.items()} == {"rows": "int64", "weights": "float32"}
    assert {name: array.tolist() for name, array in loaded.items()} == {
        name: array.tolist() for name, array in GOOD.items()
    }
    assert read_header(tmp_path / "a.safetensors", "numbers") == {
        "rows": ("int64", (5,)),
        "weights": ("float32", (2, 3)),
    }


def test_arrays_without_a_number_are_read_and_mapped(tmp_path):
    arrays = {"rows": np.empty(0, np.int64), "weights": np.empty((0, 3), np.float32)}
    forms = {**FORMS, "weights": ArrayForm("float32", (None, 3))}
    save_arrays(tmp_path / "a.safetensors", arrays)
    for mapped in (False, True):
        loaded = load_arrays(tmp_path / "a.safetensors", "numbers", forms, mapped)
        assert {name: array.shape for name, array in loaded.items()} == {"rows": (0,), "weights": (0, 3)}


@pytest.mark.parametrize("place", [0, 9, 10, 28])
def test_every_part_of_a_mapped_array_is_checked(tmp_path, monkeypatch, place):
    monkeypatch.setattr(array_files, "_CHECKED_BYTES", 40)
    forms = {"flags": ArrayForm("bool", (3,)), "rows": ArrayForm("float32", (29,), 0, 4)}
    arrays = {"flags": np.ones(3, bool), "rows": np.arange(29, dtype=np.float32) % 5}
    path = tmp_path / "a.safetensors"
    save_arrays(path, arrays)
    assert load_arrays(path, "numbers", forms, mapped=True)["rows"].tolist() == arrays["rows"].tolist()
    for value, message in {-1.0: "has numbers from -1.0 to", np.nan: "has numbers that are not finite"}.items():
        arrays["rows"][place] = value
        save_arrays(path, arrays)
        with pytest.raises(RunError, match=f"is damaged: rows {message}"):
            load_arrays(path, "numbers", forms, mapped=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": np.arange(6)}, "is damaged: rows has numbers from 0 to 5, not 0 to 4."),
        ({"rows": np.arange(-1, 4)}, "is damaged: rows has numbers from -1 to 3, not 0 to 4."),
        ({"rows": np.arange(5, dtype=np.int32)}, "does not fit: rows is of type int32, int64 is needed."),
        ({"rows": np.arange(5.0)}, "does not fit: rows is of type float64, int64 is needed."),
        ({"rows": np.zeros((5, 1), np.int64)}, "does not fit: rows has the shape (5, 1), (None,) is needed."),
        ({"weights": np.ones((3, 2), np.float32)}, "does not fit: weights has the shape (3, 2), (2, 3) is needed."),
        ({"weights": np.full((2, 3), np.nan, np.float32)}, "is damaged: weights has numbers that are not finite."),
        ({"weights": np.full((2, 3), np.inf, np.float32)}, "is damaged: weights has numbers that are not finite."),
        ({"evil": np.ones(1)}, "does not fit: it holds 'evil', which belongs to another model."),
    ],
)
def test_another_array_is_named(tmp_path, change, message):
    path = tmp_path / "a.safetensors"
    save_arrays(path, {**GOOD, **change})
    with pytest.raises(RunError) as error:
        load_arrays(path, "numbers", FORMS)
    assert str(error.value) == f"{path} (numbers) {message}"


def test_a_missing_array_is_named(tmp_path):
    save_arrays(tmp_path / "a.safetensors", {"rows": GOOD["rows"]})
    with pytest.raises(RunError, match=r"weights has the shape None, \(2, 3\) is needed"):
        load_arrays(tmp_path / "a.safetensors", "numbers", FORMS)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 1000) + b"[" * 1000,
        struct.pack("<Q", 70)
        + json.dumps({"a": {"dtype": "F32", "shape": [2**38], "data_offsets": [0, 2**40]}}).encode(),
    ],
)
def test_a_damaged_header(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(RunError, match=r"\(numbers\) is damaged: .*; copy it again or train again"):
        read_header(tmp_path / "a.safetensors", "numbers")


def test_a_pickle_is_named_and_not_read(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "a.safetensors")
    (tmp_path / "b.safetensors").write_bytes(pickle.dumps({"a": 1}))
    for name in ("a", "b"):
        with pytest.raises(RunError, match=r"it is a pickle .*, which can run code when it is read, and not "):
            read_header(tmp_path / f"{name}.safetensors", "numbers")


def test_ends_of_rows_rise_to_the_number_of_values(tmp_path):
    check_ends(tmp_path, "rows", "ends", np.array([0, 2, 2, 5]), 5)
    check_ends(tmp_path, "rows", "ends", np.empty(0, np.int64), 0)
    for ends in ([2, 1, 5], [0, 2, 4], [0, 6], []):
        with pytest.raises(RunError, match=r"\(rows\) is damaged: ends does not divide 5 values into rows"):
            check_ends(tmp_path, "rows", "ends", np.array(ends, np.int64), 5)


@pytest.mark.parametrize("ends", [[0, 2, 1, 3], [1, 2, 2, 3], [0, 1, 2, 9], [0, 1, 1, 2]])
def test_a_sparse_matrix_with_wrong_ends_is_refused(tmp_path, ends):
    path, matrix = tmp_path / "m.safetensors", sparse.csr_matrix(np.eye(3, dtype=np.float32))
    save_arrays(path, matrix_parts("m", matrix))
    loaded, _ = load_matrices(path, "matrix", {"m": (3, 3)}, {})
    assert (loaded["m"] != matrix).nnz == 0
    save_arrays(path, {**matrix_parts("m", matrix), "m.ends": np.array(ends)})
    with pytest.raises(RunError, match=r"\(matrix\) is damaged: m"):
        load_matrices(path, "matrix", {"m": (3, 3)}, {})
