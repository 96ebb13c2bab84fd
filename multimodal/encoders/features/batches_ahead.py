"""Batches made ahead of their use: by worker processes, in pinned memory, in the order in which they are asked for."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from data_loaders.errors import DataError, RunError
from multimodal.encoders.features.unusable_pictures import collected_pictures, leave_out

Batch = TypeVar("Batch")


class _Made(Dataset[Any], Generic[Batch]):
    """Batches by the arguments that they are made of, each with the pictures that were left out of it.

    A `DataError` is returned: raised in a worker, it would lose its type on the way.
    """

    def __init__(self, make: Callable[..., Batch]) -> None:
        self._make = make

    def __getitem__(self, arguments: tuple[Any, ...]) -> tuple[Batch | DataError, dict[str, str]]:
        with collected_pictures() as left_out:
            try:
                return self._make(*arguments), left_out
            except DataError as error:
                return DataError(str(error)), left_out


class BatchesAhead(Generic[Batch]):
    """Makes batches ahead of their use; its workers start once and stay for all epochs.

    Args:
        make: depends on its arguments only; its result has a method `pin_memory`.
        workers: processes that make batches ahead; 0 to make them here.
        pinned: in pinned memory, from where a GPU copies while it computes.
    """

    def __init__(self, make: Callable[..., Batch], workers: int, pinned: bool) -> None:
        self._workers = workers
        self._order: list[tuple[Any, ...]] = []
        self._loader = DataLoader(
            _Made(make),
            batch_size=None,
            sampler=self._order,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=pinned,
            worker_init_fn=_ignore_interrupts,
            # With the default generator the loader would draw a number and so change the dropout.
            generator=torch.Generator(),
        )

    def made(self, arguments: Sequence[tuple[Any, ...]]) -> Iterator[Batch]:
        """Yield what `make` returns for each list of arguments, in their order, the same for any number of workers.

        Raises:
            DataError: `make` raised it.
            RunError: a worker died.
        """
        self._order[:] = arguments
        made = iter(self._loader)
        for _ in arguments:
            try:
                batch, left_out = next(made)
            except RuntimeError as error:
                if not self._workers:
                    raise
                raise RunError(
                    f"a worker that makes batches died ({error}); give the run more memory, or set "
                    "training.loader_workers=0."
                ) from error
            for post_id, cause in left_out.items():
                leave_out(post_id, cause)
            if isinstance(batch, DataError):
                raise batch
            yield batch


def batches_ahead(
    make: Callable[[list[int]], Batch], batches: Sequence[list[int]], workers: int, pinned: bool
) -> Iterator[Batch]:
    """Yield what `make` returns for each batch of rows, once, see `BatchesAhead`."""
    yield from BatchesAhead(make, workers, pinned).made([(rows,) for rows in batches])


def _ignore_interrupts(worker: int) -> None:
    # Ctrl-C reaches all processes of a terminal; the training process stops its workers after saving.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
