"""TAGNet's two modules against slow versions."""

from __future__ import annotations

import torch

from multimodal.peers.tagnet.layers import AggregatedGraphConvolution, TripletAttention

D, HIDDEN = 5, 4


def some(count, posts=1):
    return torch.randn(posts, count, D), torch.ones(posts, count, dtype=torch.bool)


class TestGraph:
    def test_it_is_the_loop_over_layers_and_neighbours(self):
        torch.manual_seed(0)
        graph, node, neighbours = AggregatedGraphConvolution(D, 3), torch.randn(D), torch.randn(2, D)
        similarity = torch.tensor([0.9, 0.3])
        found = graph(node.unsqueeze(0), neighbours.unsqueeze(0), similarity.unsqueeze(0))[0]
        total, others = node, list(neighbours)
        for layer in graph.layers:
            around = sum(s * one for s, one in zip(similarity, others, strict=True))
            after = torch.relu(layer((node + around) / (1 + similarity.sum())))
            others = [torch.relu(layer((one + s * node) / (1 + s))) for s, one in zip(similarity, others, strict=True)]
            node = after
            total = total + node
        torch.testing.assert_close(found, total)

    def test_what_is_no_neighbour_does_not_count(self):
        torch.manual_seed(0)
        graph, node, one = AggregatedGraphConvolution(D, 2), torch.randn(1, D), torch.randn(1, 1, D)
        alone = graph(node, one, torch.tensor([[0.4]]))
        padded = graph(node, torch.cat([one, torch.full((1, 3, D), 7.0)], 1), torch.tensor([[0.4, 0, 0, 0]]))
        torch.testing.assert_close(padded, alone)
        nothing = graph(node, torch.zeros(1, 0, D), torch.zeros(1, 0))
        torch.testing.assert_close(nothing, graph(node, one, torch.zeros(1, 1)))


class TestTriplet:
    def test_each_is_guided_by_the_two_others(self):
        torch.manual_seed(0)
        triplet = TripletAttention(D, HIDDEN, 0.5).eval()
        words, regions, posts = some(4), some(3), some(2)
        text, image, user = (one[0].mean(1) for one in (words, regions, posts))
        expected = triplet.over_words(*words, image + user)
        expected = expected + triplet.over_regions(*regions, text + user) + triplet.over_posts(*posts, text + image)
        torch.testing.assert_close(triplet(words, regions, posts), expected)

    def test_a_new_user_is_a_learned_vector(self):
        torch.manual_seed(0)
        triplet = TripletAttention(D, HIDDEN, 0.5).eval()
        words, regions, nothing = some(4), some(3), (torch.randn(1, 2, D), torch.zeros(1, 2, dtype=torch.bool))
        text, image, user = words[0].mean(1), regions[0].mean(1), triplet.start.unsqueeze(0)
        expected = triplet.over_words(*words, image + user) + triplet.over_regions(*regions, text + user) + user
        torch.testing.assert_close(triplet(words, regions, nothing), expected)

    def test_padding_changes_nothing(self):
        torch.manual_seed(0)
        triplet = TripletAttention(D, HIDDEN, 0.5).eval()
        parts = [some(4), some(3), some(2)]
        padded = [
            (
                torch.cat([values, torch.full((1, 2, D), 9.0)], 1),
                torch.cat([mask, torch.zeros(1, 2, dtype=torch.bool)], 1),
            )
            for values, mask in parts
        ]
        torch.testing.assert_close(triplet(*padded), triplet(*parts))
