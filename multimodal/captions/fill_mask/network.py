"""`MaskedHashtagNetwork`: a masked language model that is asked at masked positions alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from data_loaders.errors import ConfigError


class MaskedHashtagNetwork(nn.Module):
    """Logits of hashtag tokens at masked positions.

    The head runs on the masked positions only: the decoder of a multilingual vocabulary costs as much as the rest of
    the network, and its logits of every position more memory than everything else together.

    Args:
        model: a masked language model of transformers; its body gives `last_hidden_state`.
        hashtag_ids: (C,) token numbers of the live hashtags.

    Raises:
        ConfigError: the model's body cannot be told from its head.
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
        """Where the network is."""
        return self.hashtag_ids.device

    def forward(self, token_ids: Tensor, mask: Tensor, places: Tensor, whole: bool = False) -> Tensor:
        """Return logits at N positions.

        Args:
            token_ids: (B, T).
            mask: (B, T), true where a token is; no row is all false.
            places: (N,) indices into the flattened (B · T).
            whole: for every token rather than for the C live hashtags alone.

        Returns:
            (N, C), or (N, tokens).
        """

        def keep_places(module: nn.Module, arguments: Any, output: Any) -> Any:
            output.last_hidden_state = output.last_hidden_state.flatten(0, 1)[places].unsqueeze(0)
            return output

        hook = self.model.base_model.register_forward_hook(keep_places)
        try:
            logits: Tensor = self.model(input_ids=token_ids, attention_mask=mask.long()).logits[0]
        finally:
            hook.remove()
        return logits if whole else logits[:, self.hashtag_ids]
