"""Columns: the vocabulary, then what only the memory knows."""

from __future__ import annotations

import torch

from data_loaders.batches import new_hashtags
from multimodal.design.output_vocabulary import OutputVocabulary

EMPTY = torch.full((2, 3), -1)


def columns_of(vocabulary_size, tables):
    return OutputVocabulary(vocabulary_size, new_hashtags([table.numpy() for table in tables], vocabulary_size))


def test_the_vocabulary_comes_first_and_the_rest_in_order_without_repeats():
    columns = columns_of(4, [torch.tensor([[9, 1, -1], [6, 9, 3]]), torch.tensor([[[7], [6]]])])
    assert len(columns) == 7
    assert columns.indices().tolist() == [0, 1, 2, 3, 6, 7, 9]
    assert columns.of(columns.indices()).tolist() == list(range(7))


def test_what_has_no_column_is_minus_one():
    columns = columns_of(4, [torch.tensor([6, 9])])
    asked = torch.tensor([[0, 3, -1], [4, 5, 6], [8, 9, 10]])
    assert columns.of(asked).tolist() == [[0, 3, -1], [-1, -1, 4], [-1, 5, -1]]


def test_nothing_outside_the_vocabulary():
    for columns in (
        columns_of(4, []),
        columns_of(4, [EMPTY, torch.tensor([[0, 3]])]),
        columns_of(4, [torch.empty(2, 0).long()]),
    ):
        assert len(columns) == 4
        assert columns.indices().tolist() == [0, 1, 2, 3]
        assert columns.of(torch.tensor([[-1, 0], [3, 4]])).tolist() == [[-1, 0], [3, -1]]


def test_an_empty_vocabulary():
    columns = columns_of(0, [torch.tensor([5, 2])])
    assert columns.indices().tolist() == [2, 5]
    assert columns.of(torch.tensor([2, 3, 5, -1])).tolist() == [0, -1, 1, -1]
