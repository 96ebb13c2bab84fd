"""Records that repeat the post of someone else, as APIs and tools give them."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_loaders.readers import Rejected, open_dump
from data_loaders.readers.reposts import repeated_ids, repeated_post

OWN = {"id_str": "1", "full_text": "low #tide", "user": {"id": 7}}


def read(folder, *records):
    path = folder / "posts.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    return list(open_dump(path).read())


@pytest.mark.parametrize(
    ("record", "key"),
    [
        ({**OWN, "full_text": "RT @bob: low #tide", "retweeted_status": {"id": 2}}, "retweeted_status"),
        ({"rest_id": "1", "legacy": {**OWN, "retweeted_status_result": {"result": {}}}}, "retweeted_status_result"),
        ({"id": 1, "rawContent": "RT @bob: low #tide", "retweetedTweet": {"id": 2}}, "retweetedTweet"),
        (
            {"id": 1, "text": "RT @bob: low", "referenced_tweets": [{"type": "retweeted", "id": "2"}]},
            "referenced_tweets",
        ),
        ({"id": "1", "content": "", "reblog": {"id": "2", "content": "<p>low</p>"}, "account": {"id": "7"}}, "reblog"),
    ],
)
def test_they_are_refused(tmp_path, record, key):
    (refused,) = read(tmp_path, record)
    assert refused == Rejected(
        where="posts.jsonl:1",
        reason="retweet",
        detail=f"The post repeats someone else's, which it holds in {key!r}; accepted: posts that their user wrote.",
        post_id="1",
    )


@pytest.mark.parametrize(
    "added",
    [
        {"retweeted_status": None},
        {"retweeted_status": {}},
        {"reblog": None},
        {"reblog": False},
        {"retweeted": False},
        {"quoted_status": {"id": 2}},
        {"referenced_tweets": [{"type": "quoted", "id": "2"}, {"type": "replied_to", "id": "3"}, None]},
        {"referenced_tweets": None},
        {"legacy": [1]},
    ],
)
def test_what_the_user_wrote_is_kept(tmp_path, added):
    assert repeated_post({**OWN, **added}) is None
    (record,) = read(tmp_path, {**OWN, **added})
    assert record.post.hashtags == ("tide",)


def test_an_id_that_is_none(tmp_path):
    (refused,) = read(tmp_path, {**OWN, "id_str": [1], "reblog": {"id": 2}})
    assert (refused.reason, refused.post_id) == ("retweet", None)


def test_structures_in_parquet(tmp_path):
    path = tmp_path / "posts.parquet"
    rows = [{**OWN, "reblog": None}, {**OWN, "id_str": "2", "reblog": {"id": 9, "content": "low"}}]
    rows.append({**OWN, "id_str": "3", "reblog": {"id": None, "content": None}})
    pq.write_table(pa.Table.from_pylist(rows), path)
    first, second, third = open_dump(path).read()
    assert (first.post.post_id, third.post.post_id) == ("1", "3")
    assert (second.where, second.reason, second.post_id) == ("posts.parquet:row 2", "retweet", "2")
    assert "holds in 'reblog.id'" in second.detail


def test_a_column_that_is_no_structure_says_nothing():
    assert repeated_ids({"reblog": None, "retweeted_status": {"text": None}}) == []
