"""Bits that flip in the files of a span: it is refused, or answers from the rows that it has."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from scipy import sparse
from test_dense_kinds import COUNT, KINDS, QUESTIONS, VECTORS, kinds

from data_loaders.errors import RunError
from multimodal.memory.search.dense.span import build_dense, open_dense
from multimodal.memory.search.likeness import Question
from multimodal.memory.search.word_span import WordSpan, read_lists

FLIPS, ROWS = 60, 600


def flip(folder, draw):
    """Flip a bit of a random file: of its header every second time."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    path = files[int(draw.integers(len(files)))]
    content = bytearray(path.read_bytes())
    place = int(draw.integers(min(len(content), 140) if draw.random() < 0.5 else len(content)))
    content[place] ^= 1 << int(draw.integers(8))
    path.write_bytes(bytes(content))
    return f"{path.name} at {place}"


@kinds
def test_a_dense_span(settings, tmp_path):
    draw = np.random.default_rng(3)
    build_dense(VECTORS[:ROWS], settings).save(tmp_path / "whole")
    refused = 0
    for _ in range(FLIPS):
        shutil.copytree(tmp_path / "whole", tmp_path / "span")
        where = flip(tmp_path / "span", draw)
        try:
            found = open_dense(tmp_path / "span", "").candidates(QUESTIONS, COUNT)
        except RunError as error:
            refused += 1
            assert "damaged" in str(error) or "another encoder" in str(error), where  # noqa: PT017
        else:
            assert found.shape == (len(QUESTIONS), COUNT), where
            assert ((found >= -1) & (found < ROWS)).all(), where
        shutil.rmtree(tmp_path / "span")
    assert refused


def test_the_words_of_a_span(tmp_path):
    draw = np.random.default_rng(4)
    terms = sparse.random(ROWS, 50, 0.1, "csr", np.float32, np.random.default_rng(0))
    WordSpan.of(terms, 20).save(tmp_path / "whole")
    question = Question(0, np.arange(0, 50, 7, np.int32), np.ones(8), {})
    refused = 0
    for _ in range(4 * FLIPS):
        shutil.copytree(tmp_path / "whole", tmp_path / "span")
        where = flip(tmp_path / "span", draw)
        try:
            span = WordSpan.open(tmp_path / "span")
        except RunError as error:
            refused += 1
            assert "(the words of a span)" in str(error), where  # noqa: PT017
        else:
            rows, added, _ = read_lists([(span, 0, 1.0)], question, 1_000)
            assert len(rows) == len(added), where
            assert ((rows >= 0) & (rows < ROWS)).all(), where
        shutil.rmtree(tmp_path / "span")
    assert refused


@pytest.mark.parametrize("name, value", [("rows", ROWS), ("rows", -1), ("lists", -1), ("lists", 2**40)])
def test_a_list_that_leads_outside_of_the_span(tmp_path, name, value):
    WordSpan.of(sparse.random(ROWS, 50, 0.1, "csr", np.float32, np.random.default_rng(0)), 20).save(tmp_path / "span")
    array = np.load(tmp_path / "span" / f"{name}.npy")
    array.reshape(-1)[4] = value
    np.save(tmp_path / "span" / f"{name}.npy", array)
    with pytest.raises(RunError, match=r"span \(the words of a span\) is damaged: its lists do not fit its posts\."):
        WordSpan.open(tmp_path / "span")


def test_all_kinds_are_flipped():
    assert len(KINDS) == 5
