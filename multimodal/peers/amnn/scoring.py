"""`SequenceScorer`: from a generated sequence to scores of all hashtags."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from data_loaders.batches import PostBatch
from multimodal.peers.amnn.config import AmnnConfig
from multimodal.peers.amnn.decoder import generated
from multimodal.peers.amnn.network import AmnnNetwork
from multimodal.systems.post_networks.datasets import PostDatasets
from multimodal.systems.post_networks.scoring import PostScorer
from multimodal.systems.post_networks.sequences.decoding import decode_scores


class SequenceScorer(PostScorer):
    """Scores the vocabulary by the sequence: neither its start nor its end can be recommended.

    Args:
        config: how a sequence becomes a ranking.
        network: generates.
        datasets: makes the network's datasets.
    """

    network: AmnnNetwork

    def __init__(self, config: AmnnConfig, network: AmnnNetwork, datasets: PostDatasets) -> None:
        super().__init__(network, datasets)
        self._steps, self._generated = config.steps, config.ranking == "generated"

    @torch.no_grad()
    def scores(self, batch: PostBatch, bank: Tensor, alphas: Sequence[float]) -> tuple[list[Tensor], Tensor]:
        """Return the scores, the same for every weight; see `PostScorer.scores`.

        They are the probabilities that the sequence contains a hashtag; if the order of generation counts, those that
        are generated have 1 + (S - step) / S instead, above all others.
        """
        network = self.network
        content = network.encode(batch).vector
        scores = decode_scores(network.decoder, content, network.embeddings, self._steps)
        if self._generated:
            sequence = generated(network.decoder, content, network.embeddings, self._steps)
            values = 2 - torch.arange(self._steps, device=content.device) / self._steps
            place = torch.where(sequence < 0, network.vocabulary_size, sequence)
            padded = torch.nn.functional.pad(scores, (0, 1))
            scores = padded.scatter(1, place, values.to(scores.dtype).expand(len(place), -1))[:, :-1]
        return [scores] * len(alphas), torch.arange(network.vocabulary_size, device=content.device)
