"""Spans of lines hold every line once, with its number, wherever a file is cut."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.dump_files import unpacking
from data_loaders.dump_files.unpacking import lines
from data_loaders.readers import line_spans as module
from data_loaders.readers.line_spans import LineSpan, line_spans, lines_of


def read(content, spans):
    return [list(lines_of(io.BufferedReader(io.BytesIO(content)), span)) for span in spans]


@given(
    st.lists(st.sampled_from([b"", b"a", b"\r", b"long line"])), st.booleans(), st.integers(1, 20), st.integers(1, 9)
)
def test_all_lines_are_there_once(texts, ends, size, chunk):
    content = b"\n".join(texts) + (b"\n" if ends else b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK_BYTES", chunk)
        spans = line_spans(io.BytesIO(content), size)
    parts = read(content, spans)
    assert [line for part in parts for line in part] == list(lines(io.BytesIO(content)))
    for span, part in zip(spans, parts, strict=True):
        assert span.lines_before == content[: span.start].count(b"\n")
        assert len(content[span.start : span.stop]) >= size or span is spans[-1]
        assert len(b"".join(part[:-1])) < size


def test_a_line_that_is_too_long_is_one_line(monkeypatch):
    monkeypatch.setattr(unpacking, "LONGEST_LINE", 4)
    content = b"ab\ntoo long a line\ncd\nef\n"
    spans = line_spans(io.BytesIO(content), 5)
    assert spans == [LineSpan(0, 19, 0), LineSpan(19, 25, 2)]
    assert read(content, spans) == [[b"ab\n", None], [b"cd\n", b"ef\n"]]


def test_it_begins_where_the_file_stands(monkeypatch):
    file = io.BytesIO(b"\xef\xbb\xbfab\ncd\n")
    file.seek(3)
    assert line_spans(file, 1) == [LineSpan(3, 6, 0), LineSpan(6, 9, 1)]
