"""Batches made ahead: in order, the same for any number of workers, with errors as they are."""

from __future__ import annotations

import os

import pytest
import torch

from data_loaders.errors import DataError, RunError
from multimodal.encoders.features.batches_ahead import batches_ahead

BATCHES = [[3, 1], [2], [5, 4, 0]]


def make(rows):
    if 9 in rows:
        raise DataError("row 9 cannot be used")
    return torch.tensor(rows) * 10


@pytest.mark.parametrize("workers", [0, 1, 2])
class TestWorkers:
    def test_the_order_is_kept(self, workers):
        made = list(batches_ahead(make, BATCHES, workers, pinned=False))
        assert [batch.tolist() for batch in made] == [[30, 10], [20], [50, 40, 0]]

    def test_nothing_is_drawn_from_the_generator_that_dropout_draws_from(self, workers):
        before = torch.get_rng_state()
        list(batches_ahead(make, BATCHES, workers, pinned=False))
        assert torch.equal(torch.get_rng_state(), before)

    def test_errors_for_the_user_arrive_as_they_are_raised(self, workers):
        made = batches_ahead(make, [[1], [9], [2]], workers, pinned=False)
        assert next(made).tolist() == [10]
        with pytest.raises(DataError, match=r"^row 9 cannot be used$"):
            next(made)


def test_a_worker_that_dies_is_told():
    with pytest.raises(RunError, match=r"a worker that makes batches died \(.*set training\.loader_workers=0"):
        next(batches_ahead(lambda rows: os._exit(3), [[0]], 1, pinned=False))
