"""Rankings with hashtags that are not in the id map, joined."""

from __future__ import annotations

import numpy as np

from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.serialization import concatenate, merge, serialize


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
    rows = [one for part in parts for one in serialize(part, id_map)]
    joined = merge(["a", "b", "c", "d"], rows, 3, id_map)
    assert [[hashtag for hashtag, _ in ranking] for ranking in joined] == lists
    assert list(joined) == [ranking for part in parts for ranking in part]
    assert joined.indices[1].tolist() == [3, 2, -1]
    at_once = concatenate(parts, 3, id_map)
    assert list(at_once) == list(joined)
    np.testing.assert_array_equal(at_once.indices, joined.indices)
    assert list(id_map.names) == ["sea", "sky"]


def test_without_new_hashtags_the_names_are_the_catalogue_s_own():
    id_map = HashtagIdMap(["sea", "sky"], [5, 3])
    rankings = Rankings(["a"], np.array([[1, 0]]), np.array([[0.5, 0.25]]), id_map.names)
    joined = merge(["a"], serialize(rankings, id_map), 2, id_map)
    assert joined.names is id_map.names
    assert list(joined) == list(rankings)
    both = concatenate([rankings, rankings], 2, id_map)
    assert both.names is id_map.names
    assert list(both) == list(rankings) * 2


def test_an_answer_of_the_system_s_own_numbering_is_translated():
    id_map = HashtagIdMap(["sea", "sky"], [5, 3])
    id_map.add(["later"])
    rankings = Rankings(["a"], np.array([[0, 1, -1]]), np.array([[0.5, 0.25, np.nan]]), ["later", "sea"])
    joined = merge(["a"], serialize(rankings, id_map), 3, id_map)
    assert joined.indices.tolist() == [[2, 0, -1]]
    assert list(joined) == [[("later", 0.5), ("sea", 0.25)]]


def test_no_posts_at_all():
    id_map = HashtagIdMap(["sea"], [1])
    assert merge([], [], 4, id_map).indices.shape == (0, 4)
    assert concatenate([], 4, id_map).indices.shape == (0, 4)
