"""Huffman's tree and the output layers, beside a heap, a slow loop over paths, and torch's own losses."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from multimodal.captions.fasttext.hashtag_outputs import HierarchicalSoftmax, OneVersusAll, Softmax
from multimodal.captions.fasttext.huffman import HuffmanTree

FREQUENCIES = st.lists(st.integers(0, 60), min_size=1, max_size=40)
ZIPF = [1000 // rank for rank in range(1, 31)]


def shortest_total(frequencies):
    """The least Σ frequency · code length there is, by a heap: every join costs what it joins."""
    heap, total = list(frequencies), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        total += joined
        heapq.heappush(heap, joined)
    return total


def slow_probability(output, vector, hashtag):
    """Walk from the leaf to the root."""
    tree, node, probability = output.tree, hashtag, 1.0
    while tree.parents[node] >= 0:
        above = tree.parents[node]
        score = float(output.weight[above - tree.leaves].detach().double() @ vector.double())
        probability *= 1 / (1 + np.exp(-score if tree.turns[node] else score))
        node = above
    return probability


def make(frequencies, width=5, spread=1.0):
    output = HierarchicalSoftmax(width, frequencies)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        output.weight.copy_(spread * torch.randn(output.weight.shape, generator=generator))
    return output, torch.randn(4, width, generator=generator)


class TestHuffman:
    @given(FREQUENCIES)
    def test_paths_are_as_short_as_a_heap_makes_them(self, frequencies):
        tree = HuffmanTree.of(frequencies)
        lengths = tree.paths()[0].lengths
        assert int((lengths * frequencies).sum()) == shortest_total(frequencies)
        assert sum(2.0 ** -int(length) for length in lengths) == pytest.approx(1)
        np.testing.assert_array_equal(lengths, tree.depths()[: len(frequencies)])

    @given(FREQUENCIES)
    def test_no_two_hashtags_have_the_same_path_and_none_begins_another(self, frequencies):
        nodes, turns = HuffmanTree.of(frequencies).paths()
        codes = ["".join(map(str, turns.take([leaf]).values[::-1])) for leaf in range(len(frequencies))]
        for one, code in enumerate(codes):
            assert not any(other.startswith(code) for place, other in enumerate(codes) if place != one)
        roots = {int(nodes.take([leaf]).values[-1]) for leaf in range(len(frequencies)) if nodes.lengths[leaf]}
        assert roots <= {len(frequencies) - 2}

    def test_hashtags_never_seen_do_not_make_a_chain(self):
        assert HuffmanTree.of([0] * 64).depths().max() == 6

    def test_a_case_by_hand(self):
        # 5 and 9 make 14, 12 and 13 make 25, 14 and 16 make 30, 25 and 30 make 55, and 45 is beside it.
        assert HuffmanTree.of([5, 9, 12, 13, 16, 45]).paths()[0].lengths.tolist() == [4, 4, 3, 3, 3, 1]


class TestHierarchicalSoftmax:
    @pytest.mark.parametrize("frequencies", [ZIPF, [1, 1], [7], [0] * 9, [3, 3, 100]], ids=len)
    def test_every_probability_is_that_of_a_walk_and_all_sum_to_one(self, frequencies):
        output, vectors = make(frequencies)
        found = output.log_probabilities(vectors.double()).exp()
        for row, vector in enumerate(vectors):
            walked = [slow_probability(output, vector, hashtag) for hashtag in range(len(frequencies))]
            np.testing.assert_allclose(found[row].detach().numpy(), walked, rtol=1e-9)
        torch.testing.assert_close(found.sum(1), torch.ones(4, dtype=torch.float64), rtol=0, atol=1e-12)

    def test_huge_scores_are_no_nan(self):
        output, vectors = make(ZIPF, spread=1e4)
        logs = output.log_probabilities(vectors)
        assert torch.isfinite(logs).all()
        torch.testing.assert_close(logs.exp().sum(1), torch.ones(4))

    def test_the_loss_is_minus_the_logarithm_with_the_same_gradient(self):
        output, vectors = make(ZIPF)
        vectors.requires_grad_()
        posts, shares = np.array([0, 1, 1, 3]), np.array([1, 0.5, 0.5, 1], np.float32)
        hashtags = np.array([0, 2, 29, 7])
        losses = output(vectors, *output.targets(posts, hashtags, shares))
        logs = output.log_probabilities(vectors)[posts, hashtags]
        expected = torch.zeros(4).index_add(0, torch.from_numpy(posts), -logs * torch.from_numpy(shares))
        torch.testing.assert_close(losses, expected)
        assert losses[2] == 0
        weights, inputs = torch.autograd.grad(losses.sum(), [output.weight, vectors])
        dense, dense_inputs = torch.autograd.grad(expected.sum(), [output.weight, vectors])
        assert weights.is_sparse
        torch.testing.assert_close(weights.to_dense(), dense)
        torch.testing.assert_close(inputs, dense_inputs)

    def test_a_single_hashtag_costs_nothing_and_can_be_trained(self):
        output, vectors = make([7])
        losses = output(vectors, *output.targets(np.array([0, 2]), np.array([0, 0]), np.ones(2, np.float32)))
        assert losses.tolist() == [0, 0, 0, 0]
        losses.sum().backward()
        assert output.log_probabilities(vectors).exp().tolist() == [[1.0]] * 4

    def test_it_learns_the_shares_of_the_hashtags(self):
        """With one and the same input the best answer is the train frequencies."""
        output = HierarchicalSoftmax(1, ZIPF)
        optimiser = torch.optim.LBFGS([output.weight], lr=1, max_iter=200, line_search_fn="strong_wolfe")
        shares = torch.tensor(ZIPF, dtype=torch.float32) / sum(ZIPF)

        def closure():
            optimiser.zero_grad()
            loss = -(shares * output.log_probabilities(torch.ones(1, 1))[0]).sum()
            loss.backward()
            return loss

        optimiser.step(closure)
        torch.testing.assert_close(output.log_probabilities(torch.ones(1, 1)).exp()[0], shares, atol=1e-3, rtol=1e-2)


class TestFlatOutputs:
    posts, hashtags, shares = np.array([0, 1, 1, 3]), np.array([0, 2, 5, 1]), np.array([1, 0.5, 0.5, 1], np.float32)

    def output(self, kind):
        output = kind(5, 6)
        torch.nn.init.normal_(output.weight, generator=torch.Generator().manual_seed(3))
        return output, torch.randn(4, 5, generator=torch.Generator().manual_seed(4))

    def test_softmax_is_that_of_torch(self):
        output, vectors = self.output(Softmax)
        wanted = torch.zeros(4, 6)
        wanted[self.posts, self.hashtags] = torch.from_numpy(self.shares)
        expected = F.cross_entropy(vectors @ output.weight.T, wanted, reduction="none")
        torch.testing.assert_close(output(vectors, *output.targets(self.posts, self.hashtags, self.shares)), expected)

    def test_one_versus_all_is_that_of_torch(self):
        output, vectors = self.output(OneVersusAll)
        wanted = torch.zeros(4, 6)
        wanted[self.posts, self.hashtags] = 1
        scores = vectors @ output.weight.T
        expected = F.binary_cross_entropy_with_logits(scores, wanted, reduction="none").sum(1)
        torch.testing.assert_close(output(vectors, *output.targets(self.posts, self.hashtags, self.shares)), expected)
        torch.testing.assert_close(output.log_probabilities(vectors).exp(), scores.sigmoid())
