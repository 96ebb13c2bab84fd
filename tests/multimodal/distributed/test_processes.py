"""Shared work: one process here, two played by a stand-in; real ones are in `test_two_processes.py`."""

from __future__ import annotations

import pytest
import torch

from multimodal.distributed import processes as distributed
from multimodal.distributed.processes import (
    all_reduce_max,
    all_reduce_sum,
    barrier,
    is_main_process,
    map_processes,
    process_count,
    process_index,
    shard,
)

CPU = torch.device("cpu")


@pytest.fixture
def as_process(monkeypatch):
    """Play one of several processes."""

    def play(index, count):
        monkeypatch.setattr(distributed, "process_index", lambda: index)
        monkeypatch.setattr(distributed, "process_count", lambda: count)

    return play


def test_one_process_alone():
    assert (process_count(), process_index(), is_main_process()) == (1, 0, True)
    barrier()
    assert map_processes(range(3), lambda share: [item * 2 for item in share]) == [0, 2, 4]
    assert all_reduce_max(3, CPU) == 3
    assert all_reduce_sum([1.5, 2.0], CPU) == [1.5, 2.0]
    assert shard([4, 5, 6]) == ([4, 5, 6], 1.0)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("posts", [4, 5, 7, 12])
def test_shares_of_a_batch_hold_every_post_once_and_weigh_by_their_size(as_process, posts, count):
    rows, found, mean = list(range(posts)), [], 0.0
    for index in range(count):
        as_process(index, count)
        share, weight = shard(rows)
        found += share
        mean += weight * sum(share) / len(share)
    assert sorted(found) == rows
    assert mean == pytest.approx(sum(rows) / posts)


def test_every_process_works_on_a_batch_smaller_than_their_number(as_process):
    for index in range(3):
        as_process(index, 3)
        assert shard([8, 9]) == ([8, 9], 1 / 3)


@pytest.mark.parametrize("items", [0, 1, 2, 5, 6])
def test_results_of_all_processes_come_in_the_order_of_the_items(as_process, monkeypatch, items):
    shares = {}

    def work(share):
        shares[distributed.process_index()] = [item * 10 for item in share]
        return shares[distributed.process_index()]

    def gather(gathered, own):
        gathered[:] = [shares.get(index, [None] * len(range(index, items, 2))) for index in range(2)]

    monkeypatch.setattr(distributed.dist, "all_gather_object", gather)
    as_process(1, 2)
    map_processes(range(items), work)
    as_process(0, 2)
    assert map_processes(range(items), work) == [item * 10 for item in range(items)]
