"""Threads and forked processes ask one span at once, with faiss and without it."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_dense_kinds import ASKED, COUNT, KINDS, QUESTIONS, SIZE, VECTORS, kinds

from multimodal.memory.search.dense import exact_search
from multimodal.memory.search.dense import span as dense_span
from multimodal.memory.search.dense.codes import questions_for
from multimodal.memory.search.dense.settings import DenseSettings
from multimodal.memory.search.dense.span import build_dense, open_dense


def in_fork(work):
    """Return whether a forked process finds true what `work` returns."""
    child = os.fork()
    if not child:
        status = 1
        try:
            status = int(not work())
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


@kinds
def test_eight_threads_and_two_forks_get_what_one_gets(settings, tmp_path):
    build_dense(VECTORS, settings).save(tmp_path / "span")
    span = open_dense(tmp_path / "span")
    few = np.arange(SIZE) % 7 == 3
    expected = [span.candidates(QUESTIONS, COUNT, None, mask) for mask in (None, few)]
    faults = []

    def ask(number):
        for step in range(10):
            mask = (None, few)[(number + step) % 2]
            if not np.array_equal(span.candidates(QUESTIONS, COUNT, None, mask), expected[(number + step) % 2]):
                faults.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    for mask, right in zip((None, few), expected, strict=True):
        assert in_fork(
            lambda mask=mask, right=right: np.array_equal(span.candidates(QUESTIONS, COUNT, None, mask), right)
        )
    assert in_fork(lambda: np.array_equal(open_dense(tmp_path / "span").candidates(QUESTIONS, COUNT), expected[0]))


class TestWithoutFaiss:
    """The products that a GPU computes where there is no faiss, here on the CPU."""

    @pytest.fixture(autouse=True)
    def torch_alone(self, monkeypatch):
        monkeypatch.setattr(dense_span, "has_faiss", lambda: False)
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    def best(self, codes, question, usable):
        """All products in double precision, the earlier first among equals."""
        products = np.where(usable, codes @ question, -np.inf)
        order = np.lexsort((np.arange(len(codes)), -products))[:COUNT]
        return np.where(np.isfinite(products[order]), order, -1)

    @pytest.mark.parametrize("codes", ["int8", "float16"])
    @pytest.mark.parametrize("at_once", [2**16, 256])
    @pytest.mark.parametrize("kind", ["flat", "ivf"])
    def test_the_best_of_all_with_ties_and_filters(self, kind, at_once, codes, monkeypatch):
        monkeypatch.setattr(exact_search, "_CODES_AT_ONCE", at_once)
        monkeypatch.setattr(exact_search, "_PRODUCTS_AT_ONCE", 7 * at_once)
        vectors = np.concatenate([VECTORS[:1_000], VECTORS[:1_000], VECTORS[:500]])
        settings = DenseSettings(kind=kind, codes=codes)
        plain = build_dense(vectors, DenseSettings(kind="flat", codes=codes))
        kept = exact_search.ExactSearch(plain._contents)._vectors.numpy().astype(np.float64)
        span = build_dense(vectors, settings)
        rows = np.flatnonzero(vectors.any(1))
        few = np.random.default_rng(5).random(len(vectors)) < 0.02
        for below, mask in ((None, None), (1_700, None), (None, few), (1_700, few)):
            found = span.candidates(QUESTIONS[ASKED], COUNT, below, mask)
            usable = np.ones(len(vectors), bool) if mask is None else mask.copy()
            usable[len(vectors) if below is None else below :] = False
            for row, question in zip(found, questions_for(codes, QUESTIONS[ASKED]), strict=True):
                best = self.best(kept, np.float64(question), usable[rows])
                expected = np.where(best >= 0, rows[best], -1)
                assert row.tolist() == expected.tolist()

    @pytest.mark.parametrize(
        "codes, width, less, least", [("int8", 2_000, 1 / 127, 1 / 127), ("float16", 16, 2**-11, 2**-14)]
    )
    def test_products_that_single_precision_cannot_tell_apart(self, codes, width, less, least):
        worse = np.arange(width)[None, :] < np.arange(8, 0, -1)[:, None]
        vectors = np.where(worse, 1 - less, 1).astype(np.float32) * np.float32(width**-0.5)
        question = np.where(worse[:1], least, 1).astype(np.float32)
        span = build_dense(vectors, DenseSettings(kind="flat", codes=codes))
        assert span.candidates(question, 8).tolist() == [[7, 6, 5, 4, 3, 2, 1, 0]]

    def test_rounding_that_a_caller_allows_changes_nothing(self):
        span = build_dense(VECTORS, KINDS["flat"])
        expected = span.candidates(QUESTIONS, COUNT)
        with torch.autocast("cpu", torch.bfloat16):
            assert span.candidates(QUESTIONS, COUNT).tolist() == expected.tolist()

    def test_a_fork_of_a_process_that_uses_a_gpu_asks_on_the_cpu(self, monkeypatch):
        span = build_dense(VECTORS, KINDS["flat"])
        expected = span.candidates(QUESTIONS, COUNT)
        monkeypatch.setattr("torch.cuda.is_available", lambda: True)
        monkeypatch.setattr("torch.cuda._is_in_bad_fork", lambda: True)
        span._search._vectors = SimpleNamespace(is_cuda=True)  # of the parent, out of reach
        assert span.candidates(QUESTIONS, COUNT).tolist() == expected.tolist()
        assert build_dense(VECTORS, KINDS["flat"]).candidates(QUESTIONS, COUNT).tolist() == expected.tolist()

    def test_a_fork_asks_as_well(self):
        span = build_dense(VECTORS, KINDS["flat"])
        expected = span.candidates(QUESTIONS, COUNT)
        assert in_fork(lambda: np.array_equal(span.candidates(QUESTIONS, COUNT), expected))
