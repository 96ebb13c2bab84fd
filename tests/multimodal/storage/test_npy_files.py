"""Arrays in numpy's files are mapped; a damaged header is a ValueError, whatever numpy makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal.storage.npy_files import map_array


def test_an_array_is_mapped(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6).reshape(2, 3))
    mapped = map_array(tmp_path / "a.npy")
    assert mapped.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not mapped.flags.writeable


def test_every_bit_of_the_header_may_flip(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(3))
    whole = path.read_bytes()
    refused = 0
    for place in range(128):
        for bit in range(8):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :])
            try:
                map_array(path)
            except ValueError:
                refused += 1
    assert refused > 400
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"the header of a.npy is damaged|is empty"):
        map_array(path)


def test_objects_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(ValueError, match="Python objects in dtype"):
        map_array(tmp_path / "a.npy")
    with pytest.raises(FileNotFoundError):
        map_array(tmp_path / "b.npy")
