"""Nothing that comes later changes an earlier answer, not even a hashtag that is a word of the caption."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from multimodal.systems.model_folder import load_model


@pytest.fixture(scope="module", params=["tiny", "named"])
def known(request):
    """A hybrid and its data, without and with people whom captions address."""
    run = request.getfixturevalue({"tiny": "hybrid_run", "named": "named_run"}[request.param])
    return load_model(run.path).system, request.getfixturevalue(f"{request.param}_data")


@pytest.fixture(scope="module")
def hybrid(known):
    return known[0]


@pytest.fixture(scope="module")
def data(known):
    return known[1]


def remembered(hybrid, posts):
    memory = hybrid.new_memory()
    hybrid.add_posts(memory, posts)
    return memory


def with_invented_hashtags(posts):
    """Posts of the same instants and of later ones whose hashtags are words of captions, joined or alone."""
    last = posts[-1].timestamp
    invented = []
    for number, post in enumerate(posts):
        words = (post.caption or "night").split()
        hashtags = (*words, "".join(words[:2]), "".join(words[1:4]), f"{words[0]}s", "invented")
        for suffix, time in (("same", post.timestamp), ("later", last + timedelta(hours=number + 1))):
            invented.append(
                replace(post, post_id=f"{post.post_id} {suffix}", timestamp=time, hashtags=hashtags, image=None)
            )
    return invented


def tables_of(hybrid, posts, memory):
    builder = hybrid._builder()
    return [builder.table(hybrid.spaces.questions([post], memory)) for post in posts]


def texts_of(table):
    return [table.texts[number] for number in table.hashtags]


def test_tables_and_lists_are_the_same_to_the_last_bit(hybrid, data):
    asked = data.split("validation")
    before = remembered(hybrid, [*data.split("train"), *asked])
    after = remembered(hybrid, [*data.split("train"), *asked])
    later = [post for post in with_invented_hashtags(asked) if post.timestamp >= asked[-1].timestamp]
    hybrid.add_posts(after, later)
    for one, other in zip(tables_of(hybrid, asked, before), tables_of(hybrid, asked, after), strict=True):
        assert texts_of(one) == texts_of(other)
        assert np.array_equal(one.values, other.values, equal_nan=True)
        assert (one.proposed == other.proposed).all()
    assert list(hybrid.rank(asked, before, 8)) == list(hybrid.rank(asked, after, 8))


def test_posts_of_the_same_instant_are_not_earlier(hybrid, data):
    (asked,) = data.split("validation")[-1:]
    same = [post for post in with_invented_hashtags([asked]) if post.timestamp == asked.timestamp]
    before, after = remembered(hybrid, data.split("train")), remembered(hybrid, data.split("train"))
    hybrid.add_posts(after, same)
    (one,), (other,) = tables_of(hybrid, [asked], before), tables_of(hybrid, [asked], after)
    assert np.array_equal(one.values, other.values, equal_nan=True)
    assert len(same) == 1


def test_words_that_nobody_used_are_candidates_that_only_the_caption_knows(hybrid, data):
    asked = [post for post in data.split("validation") if post.caption]
    table = hybrid._builder().table(hybrid.spaces.questions(asked, remembered(hybrid, data.split("train"))))
    new = table.values[:, table.names.index("caption.new")] == 1
    assert new.any()
    values = {name: np.nan_to_num(table.values[new, column]) for column, name in enumerate(table.names)}
    silent = ["own.recency", "similar.votes", "words.max", "caption.chance", "trends.uses", "together.chances"]
    silent += [name for name in ("mentions.max", "own_mentions.max") if name in values]
    assert {name: float(np.abs(values[name]).max()) for name in silent} == dict.fromkeys(silent, 0.0)


def test_a_post_alone_has_the_table_that_it_has_among_others(hybrid, data):
    asked = data.split("test")
    memory = remembered(hybrid, data.posts)
    together = hybrid._builder().table(hybrid.spaces.questions(asked, memory))
    own_columns = [source != "design" for source in together.sources]
    for row, alone in enumerate(tables_of(hybrid, asked, memory)):
        among = together.of_posts(row, row + 1)
        assert texts_of(alone) == texts_of(among)
        assert np.array_equal(alone.values[:, own_columns], among.values[:, own_columns], equal_nan=True)
