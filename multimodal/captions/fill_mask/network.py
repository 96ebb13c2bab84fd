"""`MaskedHashtagNetwork`: a masked language model that is evaluated at masked positions only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from data_loaders.errors import ConfigError


class MaskedHashtagNetwork(nn.Module):
    """Logits of hashtag tokens at masked positions.

    The head runs on the masked positions only: the decoder of a multilingual vocabulary costs as much as the rest of
    the network, and its logits of all positions would need more memory than everything else.

    Args:
        model: a masked language model of transformers; its body gives `last_hidden_state`.
        hashtag_ids: (C,) token ids of the live hashtags.

    Raises:
        ConfigError: the model has no body that is separate from its head.
    """

    hashtag_ids: Tensor

    def __init__(self, model: Any, hashtag_ids: Sequence[int]) -> None:
        super().__init__()
        if model.base_model is model:
            raise ConfigError(f"encoder.pretrained: a {type(model).__name__} has no body apart from its head.")
        self.model = model
        self.register_buffer("hashtag_ids", torch.tensor(list(hashtag_ids)), persistent=False)

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return self.hashtag_ids.device

    def forward(self, token_ids: Tensor, mask: Tensor, positions: Tensor, whole: bool = False) -> Tensor:
        """Return logits at N positions.

        Args:
            token_ids: (B, T).
            mask: (B, T), false at padding; no row is all false.
            positions: (N,) indices into the flattened (B · T).
            whole: return logits of all tokens, not only of the C live hashtags.

        Returns:
            (N, C), or (N, tokens).
        """

        def keep_positions(module: nn.Module, arguments: Any, output: Any) -> Any:
            output.last_hidden_state = output.last_hidden_state.flatten(0, 1)[positions].unsqueeze(0)
            return output

        hook = self.model.base_model.register_forward_hook(keep_positions)
        try:
            logits: Tensor = self.model(input_ids=token_ids, attention_mask=mask.long()).logits[0]
        finally:
            hook.remove()
        return logits if whole else logits[:, self.hashtag_ids]
