"""The mean embedding of the hashtags of earlier posts."""

from __future__ import annotations

from torch import Tensor, nn


class HashtagMeans(nn.Module):
    """The mean embedding of a post's hashtags; one more embedding stands for all hashtags outside the vocabulary.

    Args:
        vocabulary_size: V.
        width: D.
    """

    def __init__(self, vocabulary_size: int, width: int) -> None:
        super().__init__()
        self.outside = vocabulary_size
        self.embeddings = nn.Embedding(vocabulary_size + 1, width)
        nn.init.normal_(self.embeddings.weight, std=width**-0.5)

    def forward(self, hashtags_BHM: Tensor) -> Tensor:
        """Return means (B, H, D), zeros for posts without hashtags.

        Args:
            hashtags_BHM: hashtag indices, -1 for none.
        """
        present = (hashtags_BHM >= 0).unsqueeze(-1)
        vectors = self.embeddings(hashtags_BHM.clamp(min=0, max=self.outside)) * present
        mean: Tensor = vectors.sum(2) / present.sum(2).clamp(min=1)
        return mean
