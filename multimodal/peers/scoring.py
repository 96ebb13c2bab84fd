"""`PeerScorer`: the probabilities of a peer that classifies."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from data_loaders.batches import PostBatch
from multimodal.peers.network import PeerNetwork
from multimodal.systems.post_networks.datasets import PostDatasets
from multimodal.systems.post_networks.scoring import PostScorer


class PeerScorer(PostScorer):
    """Scores the hashtags of the vocabulary by their probability.

    Args:
        network: gives logits.
        datasets: makes the network's datasets.
        sigmoid: whether each hashtag has a probability of its own; otherwise they sum to 1.
    """

    network: PeerNetwork

    def __init__(self, network: PeerNetwork, datasets: PostDatasets, sigmoid: bool) -> None:
        super().__init__(network, datasets)
        self._sigmoid = sigmoid

    @torch.no_grad()
    def scores(self, batch: PostBatch, bank: Tensor, alphas: Sequence[float]) -> tuple[list[Tensor], Tensor]:
        """Return the probabilities, the same for every weight; see `PostScorer.scores`."""
        logits: Tensor = self.network(batch, bank).float()
        scores = logits.sigmoid() if self._sigmoid else logits.softmax(-1)
        return [scores] * len(alphas), torch.arange(self.network.vocabulary_size, device=bank.device)
