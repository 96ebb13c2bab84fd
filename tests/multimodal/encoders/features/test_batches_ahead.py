"""Batches made ahead: in order, the same for any number of workers, with errors as they are."""

from __future__ import annotations

import os

import pytest
import torch

from data_loaders.errors import DataError, RunError
from multimodal.encoders.features.batches_ahead import BatchesAhead, batches_ahead

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


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_epochs_are_the_same_for_any_number_of_workers_also_after_a_stop(workers):
    ahead = BatchesAhead(lambda rows, epoch: torch.tensor(rows) + 100 * epoch, workers, pinned=False)
    first = ahead.made([(rows, 0) for rows in BATCHES])
    assert next(first).tolist() == [3, 1]
    for epoch in (1, 2):
        made = ahead.made([(rows, epoch) for rows in BATCHES])
        assert [batch.tolist() for batch in made] == [[row + 100 * epoch for row in rows] for rows in BATCHES]


def test_workers_stay_between_epochs():
    ahead = BatchesAhead(lambda number: torch.tensor(os.getpid()), 2, pinned=False)
    epochs = [{int(batch) for batch in ahead.made([(number,) for number in range(6)])} for _ in range(3)]
    assert len(epochs[0]) == 2
    assert epochs[1] == epochs[2] == epochs[0]
    assert os.getpid() not in epochs[0]


def test_a_worker_that_dies_is_told():
    with pytest.raises(RunError, match=r"a worker that makes batches died \(.*set training\.loader_workers=0"):
        next(batches_ahead(lambda rows: os._exit(3), [[0]], 1, pinned=False))
