"""Where DESIGN looked in one post: its co-attention, told by words and regions."""

from __future__ import annotations

import math

import torch

from data_loaders.batches import PostBatch
from data_loaders.images.loading import load_image
from data_loaders.posts import Post
from multimodal.design.network import Attended, DesignNetwork
from multimodal.ranking.attention import AttendedPicture, AttendedWords, Attention, attended_words


@torch.no_grad()
def attention_to(network: DesignNetwork, batch: PostBatch, post: Post, caption: str) -> Attention:
    """Return where the network looked in a post.

    Args:
        network: in evaluation mode.
        batch: the post alone, on the network's device.
        post: with its picture.
        caption: its cleaned caption.
    """
    attended = network.attend(batch)
    written, pictured = bool(batch.caption_present[0]), bool(batch.image_present[0])
    weighed = network.fusion.learns_weights and written and pictured
    return Attention(
        _words(network, attended, caption) if written else None,
        _picture(network, attended, post) if pictured else None,
        float(attended.picture[0]) if weighed else None,
    )


def _words(network: DesignNetwork, attended: Attended, caption: str) -> AttendedWords | None:
    found = None if network.caption_encoder is None else network.caption_encoder.token_spans(caption)
    if found is None:
        return None
    text, spans = found
    return attended_words(text, spans, attended.words[0, : len(spans)].double().cpu().numpy())


def _picture(network: DesignNetwork, attended: Attended, post: Post) -> AttendedPicture | None:
    weights = attended.regions[0].double().cpu().numpy()
    side = math.isqrt(len(weights))
    if network.image_encoder is None or post.image is None or side * side != len(weights):
        return None
    preprocessing = network.image_encoder.preprocessing
    width, height = load_image(post.image, size_hint_px=preprocessing.size_px).size
    return AttendedPicture(weights.reshape(side, side), preprocessing.seen(width, height))
