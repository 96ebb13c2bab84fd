"""Answers that name hashtags nobody has a number for, joined."""

from __future__ import annotations

import numpy as np

from multimodal.memory.hashtag_id_map import HashtagCatalogue
from multimodal.ranking.joining import join_lists, portable_lists
from multimodal.ranking.rankings import Rankings


def answer(catalogue, post_ids, lists):
    """An answer that numbers hashtags in its own way, as a System of an open vocabulary gives it."""
    naming = catalogue.fork()
    rows = [(np.array(naming.add(names), np.int64), np.linspace(0.9, 0.1, len(names))) for names in lists]
    return Rankings.from_lists(post_ids, rows, 3, naming.names)


def test_each_list_keeps_its_hashtags_though_the_answers_number_them_differently():
    catalogue = HashtagCatalogue(["sea", "sky"], [5, 3])
    lists = [["sea", "new", "sky"], ["newer", "new"], ["newest", "sky", "newer"], []]
    parts = [answer(catalogue, ["a", "b"], lists[:2]), answer(catalogue, ["c", "d"], lists[2:])]
    assert parts[0].indices[0, 1] == parts[1].indices[0, 0]
    rows = [one for part in parts for one in portable_lists(part, catalogue)]
    joined = join_lists(["a", "b", "c", "d"], rows, 3, catalogue)
    assert [[hashtag for hashtag, _ in ranking] for ranking in joined] == lists
    assert list(joined) == [ranking for part in parts for ranking in part]
    assert joined.indices[1].tolist() == [3, 2, -1]
    assert list(catalogue.names) == ["sea", "sky"]


def test_without_new_hashtags_the_names_are_the_catalogue_s_own():
    catalogue = HashtagCatalogue(["sea", "sky"], [5, 3])
    rankings = Rankings(["a"], np.array([[1, 0]]), np.array([[0.5, 0.25]]), catalogue.names)
    joined = join_lists(["a"], portable_lists(rankings, catalogue), 2, catalogue)
    assert joined.names is catalogue.names
    assert list(joined) == list(rankings)


def test_an_answer_of_the_system_s_own_numbering_is_translated():
    catalogue = HashtagCatalogue(["sea", "sky"], [5, 3])
    catalogue.add(["later"])
    rankings = Rankings(["a"], np.array([[0, 1, -1]]), np.array([[0.5, 0.25, np.nan]]), ["later", "sea"])
    joined = join_lists(["a"], portable_lists(rankings, catalogue), 3, catalogue)
    assert joined.indices.tolist() == [[2, 0, -1]]
    assert list(joined) == [[("later", 0.5), ("sea", 0.25)]]


def test_no_posts_at_all():
    catalogue = HashtagCatalogue(["sea"], [1])
    assert join_lists([], [], 4, catalogue).indices.shape == (0, 4)
