"""AMNN's decoder: training and decoding see the same, an end is learned, and nothing but hashtags is ranked."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from peer_systems import learner_of, lists, memory_of, untrained
from torch import nn

from multimodal.peers.amnn.decoder import AdditiveDecoder, generated
from multimodal.systems.post_networks.sequences.decoding import decode_scores

D, HIDDEN, V, POSTS = 4, 6, 5, 3


def make(feedback=True, sharpness=6.0):
    torch.manual_seed(4)
    decoder = AdditiveDecoder(D, HIDDEN, V, 0.5, feedback).eval()
    with torch.no_grad():
        decoder.output.weight.mul_(sharpness)
    return decoder, nn.Embedding(V + 1, D), torch.randn(POSTS, D)


@pytest.mark.parametrize("feedback", [True, False])
def test_decoding_reads_the_content_at_every_step_as_training_does(feedback):
    """The published code decodes with the picture at the first step alone, and trains with it at every step."""
    decoder, embeddings, content = make(feedback)
    previous = torch.tensor([[V, 0, 2], [V, 3, 1], [V, 1, 4]])
    together, state = decoder(content, previous, embeddings), decoder.start(content)
    for step in range(3):
        logits, state = decoder.step(content, previous[:, step], state, embeddings)
        torch.testing.assert_close(logits, together[:, step])
    other = decoder(content + 1, previous, embeddings)
    assert all((other[:, step] - together[:, step]).abs().max() > 0.01 for step in range(3))


def test_the_input_of_a_step_is_the_sum_of_hashtag_and_content():
    decoder, embeddings, content = make()
    hidden, _ = decoder.gru((embeddings(torch.tensor([[2]])) + content[:1]).detach())
    expected = decoder.output.weight @ hidden[0, 0] + decoder.output.bias
    torch.testing.assert_close(decoder(content[:1], torch.tensor([[2]]), embeddings)[0, 0], expected)


def test_without_feedback_no_step_depends_on_the_hashtags_before():
    decoder, embeddings, content = make(feedback=False)
    one = decoder(content, torch.tensor([[V, 0, 2]] * POSTS), embeddings)
    other = decoder(content, torch.tensor([[V, 4, 1]] * POSTS), embeddings)
    assert torch.equal(one, other)


def test_greedy_without_repeats_and_until_the_end():
    decoder, embeddings, content = make()
    sequence = generated(decoder, content, embeddings, 7)
    assert sequence.shape == (POSTS, 7)
    for row, post in zip(sequence.tolist(), content, strict=True):
        state, previous, named, expected = decoder.start(post.unsqueeze(0)), V, set(), []
        while len(expected) < V:
            logits, state = decoder.step(post.unsqueeze(0), torch.tensor([previous]), state, embeddings)
            allowed = [i for i in range(V + 1) if i not in named and not (i == V and not expected)]
            previous = max(allowed, key=lambda index, logits=logits: logits[0, index].item())
            if previous == V:
                break
            named.add(previous)
            expected.append(previous)
        assert row == expected + [-1] * (7 - len(expected))


def test_the_end_stops_a_sequence():
    decoder, embeddings, content = make()
    with torch.no_grad():
        decoder.output.bias[V] += 100
    sequence = generated(decoder, content, embeddings, 4)
    assert (sequence[:, 0] >= 0).all()
    assert (sequence[:, 1:] == -1).all()


class TestTraining:
    def test_the_end_is_a_target_of_every_post(self, tiny_data):
        """The published code leaves the end out of its targets, so that it never learns to stop."""
        _, learner = learner_of("amnn", tiny_data)
        rows = list(range(len(learner._data.train)))
        following, size = learner._make(rows, 0).following, len(tiny_data.vocabulary)
        for row, targets in zip(following.tolist(), learner._data.targets, strict=True):
            kept = [one for one in row if one >= 0]
            assert kept == [*[one for one in targets if one < size][:6], size]

    def test_it_learns_when_to_stop(self, tiny_data):
        one = [replace(post, hashtags=post.hashtags[:1]) for post in tiny_data.split("train")]
        system, learner = learner_of("amnn", tiny_data, "dropout=0", train=one)
        optimiser = torch.optim.Adam(learner.network.parameters(), 0.01)
        for _ in range(20):
            loss, _ = learner.loss(learner.network, list(range(64)), 0)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
        network = system.network.eval()
        content = network.encode(learner._data.validation.batch(range(8))).vector
        assert (generated(network.decoder, content, network.embeddings, 6) >= 0).sum(1).tolist() == [1] * 8

    def test_batches_are_full_and_every_epoch_has_another_order(self, tiny_data):
        """The published generator leaves a row of every batch empty and never shuffles again."""
        _, learner = learner_of("amnn", tiny_data)
        first, second = learner.batches(0), learner.batches(1)
        assert first != second
        assert all(len(rows) == 16 for rows in first)
        for rows in first:
            made = learner._make(rows, 0)
            assert (made.posts.rows == torch.tensor(rows)).all()
            assert (made.following >= 0).any(1).all()


class TestRanking:
    def ranked(self, tiny_data, *overrides, k=9):
        system = untrained("amnn", tiny_data, *overrides)
        memory = memory_of(system, tiny_data.posts)
        posts = tiny_data.split("test")
        return system, list(system.rank(posts, memory, k)), system.scorer.datasets.dataset(posts, memory)

    def test_first_what_is_generated_in_its_order_then_what_is_likely(self, tiny_data):
        system, rankings, dataset = self.ranked(tiny_data)
        network = system.network.eval()
        content = network.encode(dataset.batch(range(len(dataset)))).vector
        sequence = generated(network.decoder, content, network.embeddings, 6)
        contained = decode_scores(network.decoder, content, network.embeddings, 6)
        for ranking, row, likely in zip(rankings, sequence.tolist(), contained, strict=True):
            names = [system.id_map[one] for one in row if one >= 0]
            assert [hashtag for hashtag, _ in ranking][: len(names)] == names
            scores = [score for _, score in ranking]
            assert scores[: len(names)] == pytest.approx([2 - place / 6 for place in range(len(names))])
            for hashtag, score in ranking[len(names) :]:
                assert score == pytest.approx(float(likely[system.id_map.find(hashtag)]), abs=1e-5)

    def test_by_what_the_sequence_contains(self, tiny_data):
        _, rankings, _ = self.ranked(tiny_data, "ranking=contained")
        assert all(0 <= score <= 1 for ranking in rankings for _, score in ranking)

    @pytest.mark.parametrize("ranking", ["generated", "contained"])
    def test_every_k_is_filled_with_hashtags(self, tiny_data, ranking):
        """Start, end and padding of public versions can stand in a list, and a list ends after five."""
        size = len(tiny_data.vocabulary)
        _, rankings, _ = self.ranked(tiny_data, f"ranking={ranking}", k=size)
        known = set(tiny_data.vocabulary.hashtags)
        assert all({hashtag for hashtag, _ in one} == known and len(one) == size for one in rankings)
        assert all(math.isfinite(score) for one in rankings for _, score in one)

    def test_the_user_is_not_read(self, tiny_data):
        system = untrained("amnn", tiny_data)
        memory, posts = memory_of(system, tiny_data.posts), tiny_data.split("test")
        others = [replace(post, user_id="nobody") for post in posts]
        assert lists(system.rank(posts, memory, 9)) == lists(system.rank(others, memory, 9))
