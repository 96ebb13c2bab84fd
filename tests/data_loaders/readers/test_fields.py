"""Where the fields of a post are found: names in any way of writing, inside of objects, and mapped by hand."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_loaders.errors import DataError
from data_loaders.readers import ReaderOptions, open_dump
from data_loaders.readers.fields import resolve, value_at
from data_loaders.readers.summary import describe_summary, summarise
from data_loaders.text.captions import clean_caption
from data_loaders.text.hashtags import remove_hashtags

APIFY = {
    "id": "2971",
    "shortCode": "CxYz",
    "caption": "Low tide #beach",
    "hashtags": ["beach"],
    "timestamp": "2024-05-01T18:30:00.000Z",
    "likesCount": 3,
    "ownerUsername": "ann",
    "ownerId": "77",
}
TWEET = {
    "id": 5,
    "id_str": "5",
    "created_at": "Wed Oct 10 20:19:24 +0000 2018",
    "full_text": "fog #sea",
    "entities": {"hashtags": [{"text": "sea", "indices": [4, 8]}], "urls": []},
    "user": {"id": 77, "id_str": "77", "screen_name": "ann", "followers_count": 9},
}
SNSCRAPE = {
    "_type": "snscrape.modules.twitter.Tweet",
    "date": "2018-10-10T20:19:24+00:00",
    "rawContent": "fog #sea",
    "id": 5,
    "user": {"_type": "snscrape.modules.twitter.User", "username": "ann", "id": 77},
    "hashtags": ["sea"],
}
GRAPHQL = {
    "rest_id": "5",
    "core": {"user_results": {"result": {"rest_id": "77"}}},
    "legacy": {
        "full_text": "fog #sea",
        "created_at": "Wed Oct 10 20:19:24 +0000 2018",
        "entities": {"hashtags": [{"text": "sea"}]},
    },
}


def lines(folder, *records):
    path = folder / "posts.jsonl"
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return path


def opened(path, **columns):
    reader = open_dump(path, options=ReaderOptions(columns=columns))
    return reader, list(reader.read())


def test_camel_case_and_what_was_not_read(tmp_path):
    reader, (record,) = opened(lines(tmp_path, APIFY))
    assert (record.post.post_id, record.post.user_id, record.post.hashtags) == ("2971", "77", ("beach",))
    assert reader.mapping_used == {"post_id": "id", "user_id": "ownerId"}
    assert list(reader.columns_unread) == ["shortCode", "likesCount", "ownerUsername"]
    assert (
        "columns not read: 'shortCode', 'likesCount', 'ownerUsername'; if one holds a field, name it, for example "
        "--columns caption=NAME" in describe_summary(summarise(reader))
    )


def test_camel_case_in_a_table(tmp_path):
    with (tmp_path / "posts.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["shortCode", "ownerUsername", "caption", "likes"], ["CxYz", "ann", "x", "3"]])
    reader, (record,) = opened(tmp_path / "posts.csv")
    assert (record.post.post_id, record.post.user_id) == ("CxYz", "ann")
    assert list(reader.columns_unread) == ["likes"]


@pytest.mark.parametrize("dump", [TWEET, SNSCRAPE, GRAPHQL], ids=["api_1", "snscrape", "graphql"])
def test_the_user_inside_of_an_object(tmp_path, dump):
    reader, (record,) = opened(lines(tmp_path, dump))
    assert (record.post.post_id, record.post.user_id, record.post.caption) == ("5", "77", "fog #sea")
    assert (record.post.timestamp.year, record.post.hashtags, record.hashtags_given) == (2018, ("sea",), True)
    assert not {"user", "entities", "legacy", "core"} & set(reader.columns_unread)


def test_dotted_names_lead_into_objects_and_lists(tmp_path):
    path = lines(tmp_path, {**SNSCRAPE, "media": [{"file": "1.jpg"}]}, {**SNSCRAPE, "id": 6, "media": None})
    reader, (first, second) = opened(path, user_id="user.username", image="media.0.file")
    assert (first.post.user_id, first.post.image) == ("ann", tmp_path / "1.jpg")
    assert (second.post.user_id, second.post.image) == ("ann", None)
    assert reader.mapping_used["user_id"] == "user.username"
    assert "media" not in reader.columns_unread
    with pytest.raises(DataError, match=r"no column 'user.nick', which the column mapping gives for user_id"):
        opened(path, user_id="user.nick")


def test_a_column_whose_name_has_a_dot(tmp_path):
    _, (record,) = opened(lines(tmp_path, {"id": 1, "user.username": "ann"}), user_id="user.username")
    assert record.post.user_id == "ann"
    _, (record,) = opened(lines(tmp_path, {"id": 1, "user.id": "ann", "user.name": "Ann"}))
    assert record.post.user_id == "ann"


def test_the_field_itself_wins_over_an_object(tmp_path):
    _, (record,) = opened(lines(tmp_path, {"post_id": 1, "user": {"id": 2}, "user_id": 3}))
    assert record.post.user_id == "3"


def test_an_object_without_a_known_key_is_refused_not_passed_over(tmp_path):
    _, (record,) = opened(lines(tmp_path, {"post_id": 1, "caption": "x", "user": {"nick": "ann"}}))
    assert record.detail == (
        "user_id is an object, {'nick': 'ann'}. Accepted: text, a whole number or null. "
        "A value inside of it is mapped as --columns user_id=NAME.nick."
    )


def test_the_full_text_of_a_long_tweet(tmp_path):
    cut = {"id": 1, "text": "fog at s… https://t.co/x", "user_id": "ann"}
    full = {"full_text": "fog at #sea", "entities": {"hashtags": [{"text": "sea"}]}}
    _, (old, new, short) = opened(
        lines(
            tmp_path,
            {**cut, "entities": {"hashtags": []}, "extended_tweet": full},
            {**cut, "id": 2, "note_tweet": {"text": "fog at #sea"}},
            {**cut, "id": 3, "note_tweet": None},
        )
    )
    assert (old.post.caption, old.post.hashtags) == ("fog at #sea", ("sea",))
    assert (new.post.caption, new.post.hashtags) == ("fog at #sea", ("sea",))
    assert short.post.caption == cut["text"]


def test_a_field_that_is_mapped_to_nothing_is_not_read(tmp_path):
    path = lines(tmp_path, {"post_id": 1, "caption": "x #a", "hashtags": ["b"]})
    reader, (record,) = opened(path, hashtags="")
    assert (record.post.hashtags, record.hashtags_given) == (("a",), False)
    assert list(reader.columns_unread) == ["hashtags"]


def test_structures_in_parquet(tmp_path):
    path = tmp_path / "posts.parquet"
    users = pa.array([{"id": 7, "name": "ann", "more": {"nick": "a"}}, None])
    pq.write_table(pa.table({"id": ["1", "2"], "text": ["x", "y"], "user": users}), path)
    reader, (first, second) = opened(path)
    assert (first.post.user_id, second.post.user_id) == ("7", None)
    assert reader.mapping_used == {"post_id": "id", "user_id": "user.id", "caption": "text"}
    _, (first, _) = opened(path, user_id="user.more.nick")
    assert first.post.user_id == "a"


def test_names_are_looked_up_exactly_before_loosely():
    assert resolve(["ownerId", "owner_username"], {}) == {"user_id": "owner_username"}
    assert resolve(["_id", "id"], {}) == {"post_id": "id"}
    assert resolve(["_id"], {}) == {}
    assert resolve(["id"], {"post_id": ""}) == {}


def test_a_dotted_name_that_leads_nowhere():
    assert value_at({"a": [1]}, "a.1") is None
    assert value_at({"a": 1}, "a.b", "none") == "none"


def test_a_status_of_mastodon(tmp_path):
    link = '<a href="https://mastodon.example/tags/Sunset" class="mention hashtag" rel="tag">#<span>Sunset</span></a>'
    status = {
        "id": "110",
        "created_at": "2023-01-01T10:00:00.000Z",
        "content": f"<p>Low {link} at sea</p>",
        "account": {"id": "9", "acct": "ann", "created_at": "2017-01-01T00:00:00.000Z"},
        "tags": [{"name": "sunset", "url": "https://mastodon.example/tags/sunset"}],
    }
    path = tmp_path / "statuses.json"
    path.write_text(json.dumps([status]))
    reader, (record,) = opened(path)
    assert (record.post.user_id, record.post.timestamp.year, record.post.hashtags) == ("9", 2023, ("sunset",))
    assert "sunset" not in clean_caption(remove_hashtags(record.post.caption, record.hashtags_surface), "tweet")
    assert list(reader.columns_unread) == []
