"""Answers that name hashtags nobody has a number for, joined."""

from __future__ import annotations

import numpy as np

from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.joining import join_lists, portable_lists
from multimodal.ranking.rankings import Rankings


def answer(id_map, post_ids, lists):
    """An answer that numbers hashtags in its own way, as a System of an open vocabulary gives it."""
    naming = id_map.fork()
    rows = [(np.array(naming.add(names), np.int64), np.linspace(0.9, 0.1, len(names))) for names in lists]
    return Rankings.from_lists(post_ids, rows, 3, naming.names)


def test_each_list_keeps_its_hashtags_though_the_answers_number_them_differently():
    id_map = HashtagIdMap(["sea", "sky"], [5, 3])
    lists = [["sea", "new", "sky"], ["newer", "new"], ["newest", "sky", "newer"], []]
    parts = [answer(id_map, ["a", "b"], lists[:2]), answer(id_map, ["c", "d"], lists[2:])]
    assert parts[0].indices[0, 1] == parts[1].indices[0, 0]
    rows = [one for part in parts for one in portable_lists(part, id_map)]
    joined = join_lists(["a", "b", "c", "d"], rows, 3, id_map)
    assert [[hashtag for hashtag, _ in ranking] for ranking in joined] == lists
    assert list(joined) == [ranking for part in parts for ranking in part]
    assert joined.indices[1].tolist() == [3, 2, -1]
    assert list(id_map.names) == ["sea", "sky"]


def test_without_new_hashtags_the_names_are_the_catalogue_s_own():
    id_map = HashtagIdMap(["sea", "sky"], [5, 3])
    rankings = Rankings(["a"], np.array([[1, 0]]), np.array([[0.5, 0.25]]), id_map.names)
    joined = join_lists(["a"], portable_lists(rankings, id_map), 2, id_map)
    assert joined.names is id_map.names
    assert list(joined) == list(rankings)


def test_an_answer_of_the_system_s_own_numbering_is_translated():
    id_map = HashtagIdMap(["sea", "sky"], [5, 3])
    id_map.add(["later"])
    rankings = Rankings(["a"], np.array([[0, 1, -1]]), np.array([[0.5, 0.25, np.nan]]), ["later", "sea"])
    joined = join_lists(["a"], portable_lists(rankings, id_map), 3, id_map)
    assert joined.indices.tolist() == [[2, 0, -1]]
    assert list(joined) == [[("later", 0.5), ("sea", 0.25)]]


def test_no_posts_at_all():
    id_map = HashtagIdMap(["sea"], [1])
    assert join_lists([], [], 4, id_map).indices.shape == (0, 4)
