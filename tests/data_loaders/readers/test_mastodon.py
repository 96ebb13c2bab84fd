"""Statuses of Mastodon, whose captions are the text that their HTML shows."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.readers import open_dump

LINK = '<a href="https://m.example/tags/sunset" class="mention hashtag" rel="tag">#<span>Sunset</span></a>'
STATUS = {
    "id": "1",
    "uri": "https://m.example/users/ann/statuses/1",
    "created_at": "2023-01-01T10:00:00.000Z",
    "content": f"<p>Low &amp; slow</p><p>at sea<br />{LINK}</p>",
    "account": {"id": "9", "acct": "ann"},
    "tags": [{"name": "sunset", "url": "https://m.example/tags/sunset"}],
}
TEXT = "Low & slow\n\nat sea\n#Sunset"


def as_json_lines(folder, status):
    (folder / "posts.jsonl").write_text(json.dumps(status))
    return folder / "posts.jsonl"


def as_parquet(folder, status):
    pq.write_table(pa.Table.from_pylist([status]), folder / "posts.parquet")
    return folder / "posts.parquet"


def as_csv(folder, status):
    flat = {**status, "account.id": "9", "tags": "sunset"}
    del flat["account"]
    cells = ['"' + value.replace('"', '""') + '"' for value in flat.values()]
    (folder / "posts.csv").write_text(",".join(flat) + "\n" + ",".join(cells))
    return folder / "posts.csv"


@pytest.mark.parametrize("write", [as_json_lines, as_parquet, as_csv])
def test_the_caption_is_text(tmp_path, write):
    (record,) = open_dump(write(tmp_path, STATUS)).read()
    assert (record.post.user_id, record.post.caption, record.post.hashtags) == ("9", TEXT, ("sunset",))


def test_hashtags_are_found_in_the_text_if_none_are_listed(tmp_path):
    (record,) = open_dump(as_json_lines(tmp_path, {**STATUS, "tags": None})).read()
    assert (record.hashtags_surface, record.hashtags_given) == (("Sunset",), False)


def test_a_prepared_caption_does_not_hold_the_answer(tmp_path):
    statuses = [
        {**STATUS, "id": str(number), "content": STATUS["content"].replace("slow", f"slow {number}")}
        for number in range(20)
    ]
    (tmp_path / "posts.jsonl").write_text("\n".join(map(json.dumps, statuses)))
    prepare(tmp_path / "posts.jsonl", tmp_path / "prepared", PrepareSettings(split="random"))
    captions = pq.read_table(tmp_path / "prepared/posts.parquet")["caption"].to_pylist()
    assert {"".join(filter(str.isalpha, caption)) for caption in captions} == {"Lowslowatsea"}


@pytest.mark.parametrize("content", ["I <3 low tide", "low &amp; slow", "1 < 2 > 0", None])
def test_what_is_no_html_stays(tmp_path, content):
    (record,) = open_dump(as_json_lines(tmp_path, {**STATUS, "content": content})).read()
    assert record.post.caption == content


@pytest.mark.parametrize(
    "other",
    [
        {"id": "1", "content": "<p>low</p>", "author": "ann", "tags": ["sea"]},
        {"id": "1", "text": "<p>low</p>", "account": {"id": "9"}, "uri": "x"},
        {"id": "1", "content": "<p>low</p>", "account": {"id": "9"}},
    ],
)
def test_captions_of_others_stay_as_they_are(tmp_path, other):
    (record,) = open_dump(as_json_lines(tmp_path, other)).read()
    assert record.post.caption == "<p>low</p>"
