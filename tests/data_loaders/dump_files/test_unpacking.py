"""What is unpacked or read line by line: within bounds."""

import gzip
import io

import pytest

from data_loaders.dump_files.unpacking import lines, unpacking
from data_loaders.errors import DataError


def test_lines_of_any_length(monkeypatch):
    monkeypatch.setattr("data_loaders.dump_files.unpacking.LONGEST_LINE", 4)
    assert list(lines(io.BytesIO(b"abc\nabcd\n\nabcdabcdab\nabc\nabcd"))) == [
        b"abc\n",
        None,
        b"\n",
        None,
        b"abc\n",
        None,
    ]
    assert list(lines(io.BytesIO(b"abc\nab"))) == [b"abc\n", b"ab"]
    assert list(lines(io.BytesIO(b""))) == []


def test_unpacking_stops_where_it_is_out_of_proportion(monkeypatch):
    monkeypatch.setattr("data_loaders.dump_files.unpacking._UNPACKED_UNQUESTIONED", 1 << 16)
    content = bytes(1 << 20)
    packed = gzip.compress(content)
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        unpacked = unpacking(file, "x.gz", len(packed))
        assert unpacked.read(1_000) == content[:1_000]
        assert unpacked.seek(0) == 0
        with pytest.raises(
            DataError, match=r"x.gz unpacks to more than 0 MiB, over 200 times its size\. It is not read"
        ):
            unpacked.read()
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        assert unpacking(file, "x.gz", len(content) // 200 + 1).read() == content
