"""What brought a hashtag in DESIGN: caption and picture, the user's own earlier posts, and neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from data_loaders.batches import PostBatch
from multimodal.design.history import copy_distribution
from multimodal.design.network import DesignNetwork
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.explanation import Explanation, Source, largest_first

_MOST_POSTS = 5


@dataclass(frozen=True, slots=True)
class _Copied:
    """What one pointer adds: `effects` (B, C) on the log-odds, `weights` (B, H) of posts, their `positions` (B, H)."""

    name: str
    effects: Tensor
    weights: Tensor
    positions: Tensor


@torch.no_grad()
def explained_batch(
    network: DesignNetwork,
    batch: PostBatch,
    placed: tuple[PostBatch, Tensor],
    ranked: Sequence[Sequence[int]],
    memory: PostMemory,
) -> list[list[Explanation]]:
    """Return what brought the ranked hashtags of B posts, on the log-odds of the multilabel head.

    `own` and `neighbours` are what the pointers add, with the posts that carry the hashtag, the most attended first;
    `named` is what it adds that the caption names the hashtag.
    `content` is the rest; where the fusion weighs caption against picture, `caption` and `picture` share it by weight.

    Args:
        network: with a multilabel head, in evaluation mode.
        batch: B posts, with positions of the memory.
        placed: the same batch on the network's device, with the bank that its positions refer to.
        ranked: hashtag indices of each post.
        memory: names the posts.
    """
    output = network.answer(network.encode(placed[0]), *placed)
    columns = {index: column for column, index in enumerate(output.columns.indices().tolist())}
    copied = list(_copied(network, batch, placed, output.joined, output.content.vector))
    logits = output.logits if output.logits is not None else output.joined.new_zeros(len(ranked), len(columns))
    rest = logits.float() - sum((one.effects for one in copied), torch.zeros_like(logits))
    picture = output.content.image_weight.mean(1)
    pictured = placed[0].image_present
    explained = []
    for row, indices in enumerate(ranked):
        weight = float(picture[row]) if pictured[row] else None
        found = (_explanation(row, columns[index], index, copied, rest, weight, memory) for index in indices)
        explained.append(list(found))
    return explained


def _copied(
    network: DesignNetwork, batch: PostBatch, placed: tuple[PostBatch, Tensor], joined: Tensor, content: Tensor
) -> Iterator[_Copied]:
    if network.pointer is None:
        return
    strengths = torch.nn.functional.softplus(network.pointer.weights(joined).float())
    used = zip(
        ("own", "neighbours"),
        (network.own, network.near),
        network.remember(*placed),
        (batch.history, batch.neighbours),
        strict=True,
    )
    columns, floors = network.columns(placed[0]), network.pointer.log_floor.exp()
    number = -1
    for name, attention, remembered, positions in used:
        if attention is None:
            continue
        number += 1
        weights = attention.weights(content, remembered)
        hashtags = columns.of(remembered.hashtags)
        shares = copy_distribution(weights.float(), hashtags, len(columns), attention.divided)
        effects = strengths[:, number, None] * torch.log1p(shares / floors[number])
        yield _Copied(name, effects, weights, positions)
    for one in network.named(placed[0], columns):
        effects = strengths[:, -1, None] * torch.log1p(one.within(0, len(columns)) / floors[-1])
        yield _Copied("named", effects, effects[:, :0], batch.named[:, :0])


def _explanation(
    row: int,
    column: int,
    hashtag: int,
    copied: Sequence[_Copied],
    rest: Tensor,
    picture: float | None,
    memory: PostMemory,
) -> Explanation:
    content = float(rest[row, column])
    sources = [Source("content", content)]
    if picture is not None:
        sources = [Source("caption", (1 - picture) * content), Source("picture", picture * content)]
    for one in copied:
        effect = float(one.effects[row, column])
        if effect > 0:
            order = one.weights[row].argsort(descending=True, stable=True).tolist()
            positions = [int(one.positions[row, place]) for place in order]
            carriers = [at for at in positions if at >= 0 and hashtag in memory.hashtags_of(at).tolist()]
            sources.append(Source(one.name, effect, tuple(memory.post_ids[at] for at in carriers[:_MOST_POSTS])))
    return largest_first(sources)
