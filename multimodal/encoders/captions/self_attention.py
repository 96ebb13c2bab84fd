"""`MultiHeadSelfAttention`: every word attends to all words of its caption."""

from __future__ import annotations

from torch import Tensor, nn


class MultiHeadSelfAttention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, arXiv 1706.03762).

    head_i = softmax(Q_i K_iᵀ / √d) V_i with Q_i = X W_i^Q, K_i = X W_i^K, V_i = X W_i^V; the heads are concatenated and
    multiplied by W^O. It equals `torch.nn.MultiheadAttention` without dropout on the attention.

    Args:
        width: C, of the input and output vectors.
        heads: number of heads, each of width C / heads.

    Raises:
        ValueError: C is not a multiple of `heads`.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"a width of {width} cannot be divided among {heads} heads")
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        for layer in (self.query, self.key, self.value, self.output):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, words_BTC: Tensor, mask_BT: Tensor) -> Tensor:
        """Return the attended vectors, (B, T, C), undefined at padding.

        Args:
            words_BTC: one vector per word.
            mask_BT: true at words, at least one in each row; words do not attend to padding.
        """
        query, key, value = (self._split(layer(words_BTC)) for layer in (self.query, self.key, self.value))
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        weights = scores.masked_fill(~mask_BT[:, None, None, :], float("-inf")).softmax(-1)
        attended: Tensor = self.output((weights @ value).transpose(1, 2).flatten(2))
        return attended

    def _split(self, words_BTC: Tensor) -> Tensor:
        """Return (B, heads, T, C / heads)."""
        rows, words, width = words_BTC.shape
        return words_BTC.view(rows, words, self.heads, width // self.heads).transpose(1, 2)
