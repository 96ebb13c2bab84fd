"""Hierarchical attention and hops against slow loops; padding, order, gradients."""

from __future__ import annotations

import math

import pytest
import torch

from multimodal.captions.hmemn2n.hierarchical_attention import HierarchicalAttention, IndexedHistory
from multimodal.captions.hmemn2n.network import MemoryNetwork
from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder

WORDS, WIDTH = 11, 6
HISTORY = torch.tensor([
    [[3, 4, 5], [6, 0, 0], [7, 7, 2]],
    [[2, 9, 0], [0, 0, 0], [0, 0, 0]],
    [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
])  # fmt: skip


def softmax(values):
    top = max(values)
    powers = [math.exp(value - top) for value in values]
    return [power / sum(powers) for power in powers]


def slow_hop(query, addresses, answers, history, place_addresses=None, place_answers=None):
    """o and p of one post, by the equations."""
    memory, answer, posts = [], [], []
    for place, words in enumerate(history.tolist()):
        words = [word for word in words if word]
        if not words:
            continue
        alpha = softmax([float((query @ addresses[word]).detach()) for word in words])
        m = sum(share * addresses[word] for share, word in zip(alpha, words, strict=True))
        c = sum(share * answers[word] for share, word in zip(alpha, words, strict=True))
        memory.append(m if place_addresses is None else m + place_addresses[place])
        answer.append(c if place_answers is None else c + place_answers[place])
        posts.append(place)
    p = [0.0] * len(history)
    if not posts:
        return torch.zeros_like(query), p
    shares = softmax([float((query @ m).detach()) for m in memory])
    for place, share in zip(posts, shares, strict=True):
        p[place] = share
    return sum(share * c for share, c in zip(shares, answer, strict=True)), p


@pytest.fixture
def addresses():
    return torch.randn(WORDS, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def queries():
    return torch.randn(3, WIDTH, generator=torch.Generator().manual_seed(2))


def make(places):
    torch.manual_seed(0)
    attention = HierarchicalAttention(WORDS, WIDTH, places)
    with torch.no_grad():
        attention.answers.weight[1:].normal_()
    return attention


@pytest.mark.parametrize("places", [0, 3])
def test_equals_a_slow_loop(queries, addresses, places):
    attention = make(places)
    given, shares = attention(queries, addresses, IndexedHistory.of(HISTORY))
    for row in range(3):
        expected, p = slow_hop(
            queries[row],
            addresses,
            attention.answers.weight,
            HISTORY[row],
            attention.place_addresses,
            attention.place_answers,
        )
        torch.testing.assert_close(given[row], expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(shares[row], torch.tensor(p), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("places", [0, 5])
def test_padding_and_batch_mates_change_nothing(queries, addresses, places):
    attention = make(places)
    given, _ = attention(queries, addresses, IndexedHistory.of(HISTORY))
    wider = torch.zeros(1, 5, 7, dtype=torch.long)
    wider[0, :3, :3] = HISTORY[0]
    alone, shares = attention(queries[:1], addresses, IndexedHistory.of(wider))
    torch.testing.assert_close(alone[0], given[0])
    assert shares.sum().item() == pytest.approx(1)
    assert not shares[0, 3:].any()


def test_order_counts_only_where_it_is_wanted(queries, addresses):
    turned = HISTORY[:1].flip(1)
    for places, alike in ((0, True), (3, False)):
        attention = make(places)
        one, other = (attention(queries[:1], addresses, IndexedHistory.of(given))[0] for given in (HISTORY[:1], turned))
        assert torch.allclose(one, other, atol=1e-6) is alike


def test_without_any_history_nothing_is_answered(queries, addresses):
    given, shares = make(3)(queries[:1], addresses, IndexedHistory.of(HISTORY[2:]))
    assert not given.any()
    assert not shares.any()


def test_gradients_reach_everything_and_are_numbers(queries, addresses):
    attention = make(3)
    queries.requires_grad_(), addresses.requires_grad_()
    attention(queries, addresses, IndexedHistory.of(HISTORY))[0].square().sum().backward()
    for tensor in (queries, addresses, *attention.parameters()):
        assert torch.isfinite(tensor.grad).all()
        assert tensor.grad.any()
    assert not attention.answers.weight.grad[0].any()


CAPTIONS = ["a cat on the mat", "the dog on a mat", "sun"] * 2


def make_network(hops, **settings):
    torch.manual_seed(0)
    config = CaptionEncoderConfig(name="hmemn2n", width=WIDTH + 2, **settings)
    encoder = build_caption_encoder(config, CAPTIONS)
    network = MemoryNetwork(encoder, encoder.words, 4, hops, 0, 0.5).eval()
    if network.attention is not None:
        torch.nn.init.normal_(network.attention.answers.weight)
    torch.nn.init.normal_(encoder.words.weight)
    return network


@pytest.mark.parametrize("hops", [0, 1, 3])
def test_hops_equal_a_slow_loop(hops):
    network = make_network(hops)
    ids, mask = network.encoder.pad(network.encoder.tokenise(CAPTIONS[:3]))
    logits = network(ids, mask, HISTORY % len(network.encoder.words.weight))
    history = HISTORY % len(network.encoder.words.weight)
    table = network.encoder.words.weight
    for row, caption in enumerate(CAPTIONS[:3]):
        known = network.encoder.tokenise([caption])[0].tolist()
        u = sum(table[word] for word in known) / len(known)
        for _ in range(hops):
            u = u + slow_hop(u, table, network.attention.answers.weight, history[row])[0]
        torch.testing.assert_close(logits[row], network.output(u), atol=1e-4, rtol=1e-4)


def test_an_lstm_reads_the_tweet_where_layers_are_wanted():
    network = make_network(1, layers=1, hidden=5)
    ids, mask = network.encoder.pad(network.encoder.tokenise(CAPTIONS[:2]))
    words = network.encoder.words(ids[:1, : int(mask[0].sum())])
    last = network.encoder.stack[0](words)[0][0, -1]
    torch.testing.assert_close(network.encoder.pool(network.encoder(ids, mask), mask)[0], last)
    assert network(ids, mask, HISTORY[1:] % 5).shape == (2, 4)


def test_an_untrained_network_begins_with_the_shares():
    network = make_network(1)
    network.start_from(torch.tensor([0.4, 0.3, 0.2, 0.1]))
    torch.nn.init.zeros_(network.output.weight)
    ids, mask = network.encoder.pad(network.encoder.tokenise(CAPTIONS[:3]))
    chances = network(ids, mask, HISTORY % 5).softmax(-1)
    torch.testing.assert_close(chances[1], torch.tensor([0.4, 0.3, 0.2, 0.1]))
