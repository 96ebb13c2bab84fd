"""Rows nearest to a question, found in one span."""

import json

import numpy as np
import pytest

from data_loaders.errors import ConfigError, RunError
from multimodal.memory.search.dense.settings import DenseSettings
from multimodal.memory.search.dense.span import build_dense, open_dense


def unit_rows(count, width=8, seed=0):
    rows = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_nearest_rows_best_first():
    vectors = np.float32([[1, 0], [0, 1], [0.6, 0.8], [0, 0]])
    span = build_dense(vectors, DenseSettings())
    assert span.candidates(np.float32([[1, 0], [0, 1], [0, 0]]), 4).tolist() == [
        [0, 2, 1, -1],
        [1, 2, 0, -1],
        [-1, -1, -1, -1],
    ]
    assert span.candidates(np.float32([[1, 0]]), 2, below=2).tolist() == [[0, 1]]
    assert span.candidates(np.float32([[1, 0]]), 2, admitted=np.array([False, True, True, True])).tolist() == [[2, 1]]


def test_saved_and_opened_it_answers_the_same(tmp_path):
    vectors = unit_rows(50)
    span = build_dense(vectors, DenseSettings(), "encoder-1")
    span.save(tmp_path / "span")
    opened = open_dense(tmp_path / "span", "encoder-1")
    queries = unit_rows(5, seed=1)
    np.testing.assert_array_equal(opened.candidates(queries, 10), span.candidates(queries, 10))
    with pytest.raises(RunError, match=r"vectors of another encoder \(encoder-1, not encoder-2\); run x\."):
        open_dense(tmp_path / "span", "encoder-2", "run x")


@pytest.mark.parametrize(
    "values, message",
    [
        ({"kind": "hsnw"}, "kind is 'hsnw'; it must be one of auto, flat, ivf, hnsw. Did you mean 'hnsw'?"),
        ({"codes": "int4"}, "codes is 'int4'; it must be one of int8, float16. Did you mean 'int8'?"),
        ({"probes": 0}, "probes is 0; it must be a whole number of at least 1."),
        ({"lists": True}, "lists is True; it must be a whole number of at least 1."),
    ],
)
def test_wrong_settings_are_refused(values, message):
    with pytest.raises(ConfigError, match=message.replace(".", r"\.").replace("?", r"\?")):
        DenseSettings(**values)


@pytest.mark.parametrize("kind, name", [("ivf", "probes"), ("hnsw", "degree"), ("hnsw", "ef_search")])
@pytest.mark.parametrize("value", [0, 2**40])
def test_a_header_that_no_search_can_follow_is_damaged(tmp_path, kind, name, value):
    build_dense(unit_rows(300), DenseSettings(kind=kind)).save(tmp_path / "span")
    header = tmp_path / "span" / "dense.json"
    header.write_text(json.dumps({**json.loads(header.read_text()), name: value}))
    with pytest.raises(RunError, match=rf"is damaged: {name} is {value}, not 1 to 1,048,576; run x\."):
        open_dense(tmp_path / "span", rebuild="run x")
