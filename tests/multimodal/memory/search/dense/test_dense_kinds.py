"""Every kind of index of a dense space: nearest rows, filters, files, damage, and the search without faiss."""

from __future__ import annotations

import json

import numpy as np
import pytest

from data_loaders.errors import DataError, RunError
from multimodal.memory.search.dense import span as dense_span
from multimodal.memory.search.dense.asked_vectors import AskedVectors
from multimodal.memory.search.dense.settings import DenseSettings
from multimodal.memory.search.dense.span import build_dense, open_dense

SIZE, WIDTH, COUNT = 3_000, 16, 10
KINDS = {
    "flat": DenseSettings(kind="flat"),
    "flat in half precision": DenseSettings(kind="flat", codes="float16"),
    "ivf": DenseSettings(kind="ivf", lists=40, probes=8),
    "ivf in half precision": DenseSettings(kind="ivf", lists=40, probes=8, codes="float16"),
    "hnsw": DenseSettings(kind="hnsw"),
}
kinds = pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)


def clustered(count, seed=0):
    """Rows of length 1 around 30 centres; a tenth of them zero."""
    draw = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(30, WIDTH))
    rows = centres[draw.integers(0, 30, count)] + 0.5 * draw.normal(size=(count, WIDTH))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[draw.random(count) < 0.1] = 0
    return rows.astype(np.float32)


VECTORS, QUESTIONS = clustered(SIZE), clustered(40, seed=1)
ASKED = np.flatnonzero(QUESTIONS.any(1))


def nearest(question, usable):
    products = np.where(usable & VECTORS.any(1), VECTORS @ question, -np.inf)
    return np.argsort(-products)[:COUNT]


@kinds
def test_finds_nearly_all_of_the_nearest(settings):
    found = build_dense(VECTORS, settings).candidates(QUESTIONS, COUNT)
    recall = [np.isin(found[row], nearest(QUESTIONS[row], True)).mean() for row in ASKED]
    assert np.mean(recall) > 0.9
    assert (found[~QUESTIONS.any(1)] == -1).all()


@kinds
@pytest.mark.parametrize("share", [0.001, 0.01, 0.5])
def test_as_many_are_found_as_are_admitted(settings, share):
    admitted = np.random.default_rng(2).random(SIZE) < share
    found = build_dense(VECTORS, settings).candidates(QUESTIONS, COUNT, below=2_500, admitted=admitted)
    usable = admitted & (np.arange(SIZE) < 2_500) & VECTORS.any(1)
    for row in ASKED:
        rows = found[row][found[row] >= 0]
        assert len(set(rows)) == len(rows) == min(COUNT, usable.sum())
        assert usable[rows].all()


@kinds
def test_alone_as_in_a_batch_and_from_files(settings, tmp_path):
    span = build_dense(VECTORS, settings, "encoder")
    found = span.candidates(QUESTIONS, COUNT)
    for row in range(len(QUESTIONS)):
        assert span.candidates(QUESTIONS[row : row + 1], COUNT)[0].tolist() == found[row].tolist()
    assert span.candidates(AskedVectors(QUESTIONS), COUNT).tolist() == found.tolist()
    build_dense(VECTORS, settings, "encoder").save(tmp_path / "span")
    opened = open_dense(tmp_path / "span", "encoder")
    assert (len(opened), opened.width) == (SIZE, WIDTH)
    assert opened.candidates(QUESTIONS, COUNT).tolist() == found.tolist()


def test_without_faiss_all_are_compared(monkeypatch):
    expected = build_dense(VECTORS, KINDS["flat"]).candidates(QUESTIONS, COUNT)
    monkeypatch.setattr(dense_span, "has_faiss", lambda: False)
    for settings in KINDS.values():
        if settings.codes == "int8":
            found = build_dense(VECTORS, settings).candidates(QUESTIONS, COUNT)
            # Equal but for which of equal products is the last.
            assert np.mean(found == expected) > 0.99
    few = np.arange(SIZE) % 1_000 == 7
    found = build_dense(VECTORS, KINDS["ivf"]).candidates(QUESTIONS[ASKED], COUNT, admitted=few)
    assert set(found.ravel()) <= {-1, 7, 1_007, 2_007}


@pytest.mark.parametrize("rows", [0, 1, 2, 7])
@kinds
def test_a_few_rows(settings, rows):
    found = build_dense(VECTORS[:rows], settings).candidates(QUESTIONS[ASKED], 3)
    assert ((found >= 0).sum(1) == min(VECTORS[:rows].any(1).sum(), 3)).all()


@kinds
def test_a_span_without_vectors_finds_nothing(settings):
    assert (build_dense(np.zeros((5, WIDTH), np.float32), settings).candidates(QUESTIONS, 3) == -1).all()


@pytest.mark.parametrize("value", [np.nan, 3.0])
def test_vectors_that_have_no_direction_are_refused(value):
    vectors = VECTORS.copy()
    vectors[17] = value
    with pytest.raises(DataError, match=r"Vector 17 has the length (nan|12); a vector must have the length 1"):
        build_dense(vectors)


class TestDamage:
    def of(self, tmp_path, kind):
        build_dense(VECTORS, KINDS[kind], "encoder").save(tmp_path / "span")
        return tmp_path / "span"

    @pytest.mark.parametrize(
        "kind, name, value, message",
        [
            ("ivf", "sizes", np.int64([SIZE]), "the lists are of another size|centroids|sizes"),
            ("ivf", "rows", np.zeros(9, np.int64), "rows do not increase below the length"),
            ("hnsw", "links", np.int32([-1]), "the ends of the links do not fit the levels"),
            ("flat", "codes", np.zeros((2, WIDTH), np.uint8), "codes is of type uint8 and shape"),
        ],
    )
    def test_arrays_that_do_not_fit_are_refused(self, tmp_path, kind, name, value, message):
        folder = self.of(tmp_path, kind)
        np.save(folder / f"{name}.npy", value)
        with pytest.raises(RunError, match=message):
            open_dense(folder, "encoder", "run x")

    def test_a_header_that_does_not_fit_is_refused(self, tmp_path):
        folder = self.of(tmp_path, "flat")
        header = json.loads((folder / "dense.json").read_text())
        (folder / "dense.json").write_text(json.dumps({**header, "kind": "tree"}))
        with pytest.raises(RunError, match=r"dense.json \(the vectors of a span\) is damaged: kind"):
            open_dense(folder)

    def test_a_file_that_is_gone_is_named(self, tmp_path):
        folder = self.of(tmp_path, "flat")
        (folder / "codes.npy").unlink()
        with pytest.raises(RunError, match=r"span \(the vectors of a span\) is damaged: .*codes.npy.*; run x\."):
            open_dense(folder, rebuild="run x")
