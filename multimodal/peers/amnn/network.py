"""The network of AMNN."""

from __future__ import annotations

from torch import Tensor, nn

from data_loaders.batches import PostBatch
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.peers.amnn.branches import ImageBranch, TextBranch
from multimodal.peers.amnn.config import AmnnConfig
from multimodal.peers.amnn.decoder import AdditiveDecoder
from multimodal.peers.network import PeerNetwork
from multimodal.systems.post_networks.network import Content
from multimodal.systems.post_networks.sequences.large_losses import SequenceLesson, large_sequence_losses


class AmnnNetwork(PeerNetwork):
    """Words → BiLSTM → attention: t; regions → LSTM → attention: v; p = t + v → GRU → hashtags one after another.

    Args: as in `PeerNetwork`.
    """

    def __init__(
        self,
        config: AmnnConfig,
        vocabulary_size: int,
        caption_encoder: CaptionEncoder | None,
        image_encoder: ImageEncoder | None,
    ) -> None:
        super().__init__(config, vocabulary_size, caption_encoder, image_encoder)
        width = config.width
        self.text = TextBranch(width)
        self.picture = ImageBranch(width, config.image_hidden)
        self.embeddings = nn.Embedding(vocabulary_size + 1, width)
        nn.init.normal_(self.embeddings.weight, std=width**-0.5)
        self.decoder = AdditiveDecoder(width, config.hidden, vocabulary_size, config.dropout, config.feedback)

    def encode(self, batch: PostBatch) -> Content:
        """Return p = t + v."""
        return Content(self.text(*self.words(batch)) + self.picture(*self.regions(batch)))

    def answer(
        self,
        content: Content,
        batch: PostBatch,
        bank: Tensor,
        previous_BS: Tensor | None = None,
        lesson: SequenceLesson | None = None,
    ) -> Tensor | None:
        """Return logits under teacher forcing, (B, S, V + 1), or with a `lesson` losses (B,); None without them."""
        if previous_BS is None:
            return None
        if lesson is not None:
            states = self.decoder.states(content.vector, previous_BS, self.embeddings)
            return large_sequence_losses(states, self.decoder.output, lesson)
        logits: Tensor = self.decoder(content.vector, previous_BS, self.embeddings)
        return logits
