"""`PostScorer`: from datasets to content vectors, to scores of hashtags, to hits."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data_loaders.batches import PostBatch, PostDataset
from multimodal.distributed.processes import map_processes
from multimodal.encoders.features.batches_ahead import batches_ahead
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.dense_spaces import CONTENT
from multimodal.ranking.score_blocks import posts_at_once
from multimodal.systems.post_networks.banks import Bank, GatheredBank, WholeBank, room_for
from multimodal.systems.post_networks.datasets import PostDatasets
from multimodal.systems.post_networks.network import PostNetwork

Result = TypeVar("Result")
_BATCH = 128
_ENCODED_AT_ONCE = 65_536


class PostScorer(ABC):
    """Scores hashtags with a network, trained or not.

    Args:
        network: scores.
        datasets: makes the network's datasets.
    """

    def __init__(self, network: PostNetwork, datasets: PostDatasets) -> None:
        self.network, self.datasets = network, datasets

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.network.missing_caption.device

    def bank(self, memory: PostMemory) -> Bank:
        """Return the content vectors of a memory; only those that a batch attends to are read, if it has any."""
        if not memory.width:
            return WholeBank(torch.zeros(0, 0, device=self.device))
        return GatheredBank(partial(memory.vectors_at, CONTENT), self.device)

    def contents(self, dataset: PostDataset) -> NDArray[np.float32]:
        """Return the content vector of every post, (N, D), in evaluation mode."""
        return self.encode_posts(dataset, lambda content: content.vector)

    @torch.no_grad()
    def encode_posts(self, dataset: PostDataset, read: Callable[[Any], Tensor]) -> NDArray[np.float32]:
        """Return what `read` takes from the content of every post, (N, …), in evaluation mode."""
        self.network.eval()
        lengths = dataset.captions.lengths()

        def encode(batch: PostBatch) -> Tensor:
            return read(self.network.encode(batch.to(self.device))).float()

        def work(rows: Sequence[int]) -> list[NDArray[np.float32]]:
            values: dict[int, NDArray[np.float32]] = {}
            batches = row_batches(sorted(rows, key=lambda row: lengths[row]))
            for part, content in self._ahead(dataset, batches, encode):
                values.update(zip(part, content.cpu().numpy(), strict=True))
            return [values[row] for row in rows]

        starts = range(0, len(dataset), _ENCODED_AT_ONCE)
        parts = (range(start, min(start + _ENCODED_AT_ONCE, len(dataset))) for start in starts)
        encoded = (np.stack(map_processes(part, work)) for part in parts)
        first = next(encoded)
        if len(starts) == 1:
            return first
        values = room_for((len(dataset), *first.shape[1:]))
        for start, part in zip(starts, itertools.chain([first], encoded), strict=True):
            values[start : start + len(part)] = part
        return values

    def _ahead(
        self, dataset: PostDataset, batches: list[list[int]], work: Callable[[PostBatch], Result]
    ) -> Iterator[tuple[list[int], Result]]:
        """Yield what `work` returns for each batch of rows, one batch behind, so that a GPU does not wait."""
        pending: list[tuple[list[int], Result]] = []
        with dataset.images.prefetch(batches):
            made = batches_ahead(dataset.batch, batches, workers=0, pinned=self.device.type == "cuda")
            for part, batch in zip(batches, made, strict=True):
                pending.append((part, work(batch)))
                if len(pending) > 1:
                    yield pending.pop(0)
        yield from pending

    @abstractmethod
    def scores(self, batch: PostBatch, bank: Tensor, alphas: Sequence[float]) -> tuple[list[Tensor], Tensor]:
        """Return the scores (B, C) for each weight of the heads, and the hashtag index of every column.

        A post's score is -inf where only other posts of the batch can name the hashtag.

        Args:
            batch: B posts.
            bank: (N, D) content vectors of the remembered posts.
            alphas: weights of the first of two heads, each 0..1; one of them where there is one head.
        """

    def hits(
        self,
        dataset: PostDataset,
        rows: Sequence[int],
        truth: Sequence[Sequence[int]],
        bank: Bank,
        k: int,
        alphas: Sequence[float],
        hashtags: int = 0,
    ) -> list[list[int]]:
        """Return, for each row and each alpha, how many true hashtags are among the first k.

        Args:
            dataset: holds the posts.
            rows: R rows of the dataset.
            truth: hashtag indices of the R posts.
            bank: content vectors of the remembered posts.
            k: how many hashtags are recommended, at least 1.
            alphas: see `scores`.
            hashtags: number of scores of a post, which decides how many are scored together.
        """
        results: list[list[int]] = []
        batches = row_batches(rows, hashtags)
        scored = self._ahead(dataset, batches, lambda batch: self.scores(*bank.place(batch), alphas))
        for part, (joined, indices) in scored:
            wanted = [set(row) for row in truth[len(results) : len(results) + len(part)]]
            counts = [_hits_at_k(scores, indices, wanted, k) for scores in joined]
            results.extend([list(row) for row in zip(*counts, strict=True)])
        return results


def row_batches(rows: Sequence[int], hashtags: int = 0) -> list[list[int]]:
    """Cut rows into the batches in which posts are encoded, or scored.

    Args:
        rows: any.
        hashtags: number of scores of a post; 0 for none.
    """
    size = posts_at_once(hashtags, _BATCH)
    return [list(rows[start : start + size]) for start in range(0, len(rows), size)]


def _hits_at_k(scores_BC: Tensor, indices_C: Tensor, truth: Sequence[set[int]], k: int) -> list[int]:
    best = scores_BC.topk(min(k, scores_BC.shape[1]), 1)
    recommended = torch.where(best.values.isfinite(), indices_C[best.indices], -1).cpu().tolist()
    return [len(set(row) & hashtags) for row, hashtags in zip(recommended, truth, strict=True)]
