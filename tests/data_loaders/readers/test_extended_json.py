"""Dumps of MongoDB, in both modes of its Extended JSON."""

import json

import pytest

from data_loaders.readers import ReaderOptions, open_dump
from data_loaders.readers.extended_json import plain_value

RELAXED = {
    "_id": {"$oid": "5f1e"},
    "id": 5,
    "user": {"id": {"$numberLong": "77"}},
    "created_at": {"$date": "2023-11-14T22:13:20Z"},
    "text": "low tide",
}
CANONICAL = {
    "_id": {"$oid": "5f1e"},
    "id": {"$numberLong": "5"},
    "user": {"id": {"$numberInt": "77"}},
    "created_at": {"$date": {"$numberLong": "1700000000000"}},
    "text": {"$symbol": "low tide"},
}


@pytest.mark.parametrize("document", [RELAXED, CANONICAL], ids=["relaxed", "canonical"])
def test_values_are_read_through_their_types(tmp_path, document):
    path = tmp_path / "posts.json"
    path.write_text(json.dumps(document) + "\n")
    (record,) = open_dump(path).read()
    post = record.post
    assert (post.post_id, post.user_id, post.caption) == ("5", "77", "low tide")
    assert post.timestamp.isoformat() == "2023-11-14T22:13:20+00:00"
    (record,) = open_dump(path, options=ReaderOptions(columns={"post_id": "_id"})).read()
    assert record.post.post_id == "5f1e"


def test_a_reference_to_a_user_is_its_id(tmp_path):
    path = tmp_path / "posts.json"
    path.write_text(json.dumps({"id": 1, "user": {"$oid": "5f1e"}, "caption": {"$symbol": "low tide"}}) + "\n")
    (record,) = open_dump(path).read()
    assert (record.post.user_id, record.post.caption) == ("5f1e", "low tide")


@pytest.mark.parametrize("value", [{"id": 1}, {"$oid": "a", "b": 1}, {}, {"$ref": "x"}, [{"$oid": "a"}], "$oid", None])
def test_other_values_stay(value):
    assert plain_value(value) == value
