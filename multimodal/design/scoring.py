"""`Scorer`: the scores of DESIGN's two heads, joined."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from data_loaders.batches import PostBatch
from multimodal.design.config import DesignConfig
from multimodal.design.datasets import DatasetBuilder
from multimodal.design.network import DesignNetwork, DesignOutput
from multimodal.ranking.aggregate import aggregate
from multimodal.systems.post_networks.scoring import PostScorer
from multimodal.systems.post_networks.sequences.decoding import decode_scores


class Scorer(PostScorer):
    """Scores hashtags with a DESIGN network, trained or not.

    Args:
        config: how the two heads are aggregated.
        network: scores.
        datasets: makes the network's datasets.
    """

    network: DesignNetwork
    datasets: DatasetBuilder

    def __init__(self, config: DesignConfig, network: DesignNetwork, datasets: DatasetBuilder) -> None:
        super().__init__(network, datasets)
        self.config = config

    @torch.no_grad()
    def scores(self, batch: PostBatch, bank: Tensor, alphas: Sequence[float]) -> tuple[list[Tensor], Tensor]:
        """Return the scores for each weight of the multilabel head; see `PostScorer.scores`."""
        output = self.network(batch, bank)
        vocabulary_size, columns = output.columns.vocabulary_size, len(output.columns)
        multilabel, sequence = self._multilabel(output), None
        rule, heads = self.config.ranking.aggregate, self.config.heads
        # Without any weight it changes nothing; where heads take turns, both always count.
        weighed = multilabel is None or rule == "interleave" or min(alphas) < 1
        if self.network.sequence is not None and weighed:
            decoded = decode_scores(
                self.network.sequence, output.joined, self.network.embeddings, heads.steps, heads.beams
            )
            sequence = torch.nn.functional.pad(decoded, (0, columns - vocabulary_size))
        nameable = torch.ones(len(batch), columns, dtype=torch.bool, device=bank.device)
        nameable[:, vocabulary_size:] = False
        if output.logits is not None:
            nameable |= output.logits > -torch.inf
        joined = [aggregate(multilabel, sequence, alpha, rule, nameable) for alpha in alphas]
        return joined, output.columns.indices()

    def _multilabel(self, output: DesignOutput) -> Tensor | None:
        if output.logits is None:
            return None
        logits = output.logits.float()
        return logits.sigmoid() if self.config.heads.loss == "bce" else logits.softmax(-1)
