"""Work shared between processes: which process does what, and how results are combined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
import torch.distributed as dist

Item = TypeVar("Item")


def process_count() -> int:
    """Return the number of processes that work together; 1 without a launcher."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def process_index() -> int:
    """Return the number of this process; 0 is the main process."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def is_main_process() -> bool:
    """Return whether this process writes files and shows progress."""
    return process_index() == 0


def barrier() -> None:
    """Wait until every process has reached this point."""
    if process_count() > 1:
        dist.barrier()


def all_gather(value: Item) -> list[Item]:
    """Return the value of every process, in their order; they are pickled on the way."""
    if process_count() == 1:
        return [value]
    gathered: list[Any] = [None] * process_count()
    dist.all_gather_object(gathered, value)
    return gathered


def map_processes(items: Sequence[Item], work: Callable[[Sequence[Item]], list[Any]]) -> list[Any]:
    """Let every process work on its share of `items` and return all results in the order of the items.

    Args:
        items: the same on every process.
        work: takes a share and returns one result per item.
    """
    count = process_count()
    if count == 1:
        return work(items)
    share = [items[index] for index in range(process_index(), len(items), count)]
    results: list[Any] = [None] * len(items)
    for first, part in enumerate(all_gather(work(share))):
        results[first::count] = part
    return results


def all_reduce_max(value: int, device: torch.device) -> int:
    """Return the largest value of all processes."""
    if process_count() == 1:
        return value
    values = torch.tensor([value], device=device)
    dist.all_reduce(values, dist.ReduceOp.MAX)
    return int(values.item())


def all_reduce_sum(values: Sequence[float], device: torch.device) -> list[float]:
    """Return the sum over all processes of each value."""
    if process_count() == 1:
        return list(values)
    summed = torch.tensor(values, device=device)
    dist.all_reduce(summed)
    return [float(value) for value in summed]


def shard(items: Sequence[Item]) -> tuple[Sequence[Item], float]:
    """Return this process's share of a batch and its weight in the batch's mean; weights sum to 1.

    If there are fewer items than processes, every process gets the whole batch.
    """
    count = process_count()
    if len(items) < count:
        return items, 1 / count
    share = items[process_index() :: count]
    return share, len(share) / len(items)
