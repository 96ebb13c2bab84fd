"""A prepared folder, opened."""

import json
import shutil
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_loaders.errors import DataError
from data_loaders.post_table import PostTable
from data_loaders.posts import UNDATED_EPOCH_US, Post
from data_loaders.prepare.folder_format import POSTS_SCHEMA
from data_loaders.prepare.vocabulary import Vocabulary
from data_loaders.prepared import PreparedData

MARCH = datetime(2024, 3, 1, 12, 30, 15, 250_000, tzinfo=timezone.utc)
ROWS = [
    ("a", None, None, 0, None, "#x", None, ["x"], ["X"], 0, "train"),
    ("b", "ann", None, 1, "words", "words", "../dump/b.jpg", [], [], 1, "train"),
    ("c", "ann", MARCH, 2, "more", "more", None, ["x", "日本"], ["x", "日本"], 2, "train"),
    ("d", "bob", MARCH, 3, None, None, "/elsewhere/d.jpg", ["y"], ["y"], 3, "validation"),
    ("e", "bob", MARCH, 4, "end", "end", None, ["x"], ["x"], 2, "test"),
]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "prepared"
    folder.mkdir()
    columns = zip(*ROWS, strict=True)
    arrays = [pa.array(list(column), field.type) for column, field in zip(columns, POSTS_SCHEMA, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=POSTS_SCHEMA), folder / "posts.parquet", row_group_size=2)
    Vocabulary(("x", "日本"), (2, 1), 1).save(folder / "vocabulary.json")
    (folder / "statistics.json").write_text(json.dumps({"format_version": 1, "posts": 5}))
    return folder


def expected(folder):
    images = {"b": folder.parent.resolve() / "dump" / "b.jpg", "d": Path("/elsewhere/d.jpg")}
    return [
        Post(post_id=row[0], user_id=row[1], timestamp=row[2], sequence=row[3], caption=row[4],
             image=images.get(row[0]), hashtags=tuple(row[7]))
        for row in ROWS
    ]  # fmt: skip


def test_posts_come_back_as_written(folder):
    data = PreparedData.open(folder)
    assert list(data.posts()) == expected(folder)
    assert data.vocabulary.hashtags == ("x", "日本")
    assert data.statistics["posts"] == 5
    assert data.folder == folder
    assert [post.post_id for name in ("train", "validation", "test") for post in data.split(name)] == list("abcde")


def test_captions_with_inline_words_are_made_of_the_originals(folder):
    path = folder / "posts.parquet"
    table = pq.read_table(path)
    originals = ["#x", "words", "some #sea words #sky", None, "#x end"]
    pq.write_table(table.set_column(5, table.schema.field(5), pa.array(originals, pa.large_string())), path)
    data = PreparedData.open(folder)
    leaking = data.with_inline_words()
    assert [post.caption for post in leaking.posts()] == [None, "words", "some sea words", None, "x end"]
    assert [post.caption for post in leaking.split("test")] == ["x end"]
    assert [replace(post, caption=None) for post in leaking.posts()] == [
        replace(post, caption=None) for post in data.posts()
    ]
    assert list(data.posts()) == expected(folder)
    assert leaking.vocabulary is data.vocabulary


def test_a_table_is_a_sequence(folder):
    posts, truth = PreparedData.open(folder).posts(), expected(folder)
    assert len(posts) == 5
    assert [posts[place] for place in (0, 4, -1, -5)] == [truth[place] for place in (0, 4, -1, -5)]
    for part in (slice(1, 3), slice(None, None, -1), slice(4, 1), slice(0, 5, 2), slice(2, 99)):
        assert isinstance(posts[part], PostTable)
        assert list(posts[part]) == truth[part]
    assert list(posts[1:][1:][::2]) == truth[2::2]
    assert posts[np.int64(3)] == truth[3]
    assert truth[2] in posts
    assert list(posts.take([4, 0])) == [truth[4], truth[0]]
    assert list(posts.take([])) == []
    with pytest.raises(IndexError, match="post 5 of 5"):
        posts[5]


def test_columns(folder):
    posts = PreparedData.open(folder).posts()
    assert posts.column("split").to_pylist() == [row[10] for row in ROWS]
    assert posts[2:].column("caption_original").to_pylist() == ["more", None, "end"]
    assert posts.take([4, 1]).column("hashtags_surface").to_pylist() == [["x"], []]
    with pytest.raises(DataError, match="posts have no column 'likes'; accepted: post_id, user_id"):
        posts.column("likes")


def test_instants_are_those_of_the_posts(folder):
    posts = PreparedData.open(folder).posts()
    assert posts.instants_us.tolist() == [post.instant_us for post in posts]
    assert posts.instants_us[1] == UNDATED_EPOCH_US + 1


def test_an_unknown_split(folder):
    with pytest.raises(
        DataError, match=r"'tests' is unknown; accepted: train, validation, test. Did you mean 'test'\?"
    ):
        PreparedData.open(folder).split("tests")


def test_a_folder_that_is_missing_partial_or_foreign(folder, tmp_path):
    command = f"multimodal-hashtags prepare --source DUMP --output {tmp_path / 'none'}"
    with pytest.raises(DataError, match="does not exist") as error:
        PreparedData.open(tmp_path / "none")
    assert command in str(error.value)
    with pytest.raises(DataError, match="is a file, not a folder"):
        PreparedData.open(folder / "posts.parquet")
    for name in ("posts.parquet", "vocabulary.json", "statistics.json"):
        partial = tmp_path / f"without-{name}"
        shutil.copytree(folder, partial)
        (partial / name).unlink()
        with pytest.raises(
            DataError, match=f"not a complete prepared folder: {name} is missing; create it with: multi"
        ):
            PreparedData.open(partial)


def test_damaged_files_and_other_versions(folder):
    (folder / "statistics.json").write_text('{"format_version": 2}')
    with pytest.raises(DataError, match="has format version 2; accepted: 1; create it with"):
        PreparedData.open(folder)
    (folder / "statistics.json").write_text("{")
    with pytest.raises(DataError, match=r"statistics\.json cannot be read"):
        PreparedData.open(folder)
    (folder / "statistics.json").write_text('{"format_version": 1}')
    pq.write_table(pa.table({"post_id": ["a"], "caption": ["b"]}), folder / "posts.parquet")
    with pytest.raises(DataError, match="lacks the columns user_id, timestamp, sequence"):
        PreparedData.open(folder)
    (folder / "posts.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(DataError, match=r"posts\.parquet cannot be read"):
        PreparedData.open(folder)


def test_the_fingerprint_follows_the_content_and_not_the_place(folder, tmp_path):
    fingerprint = PreparedData.open(folder).fingerprint
    assert len(fingerprint) == 32
    shutil.copytree(folder, tmp_path / "moved")
    assert PreparedData.open(tmp_path / "moved").fingerprint == fingerprint
    Vocabulary(("x", "y"), (2, 1), 1).save(folder / "vocabulary.json")
    assert PreparedData.open(folder).fingerprint != fingerprint
    data = PreparedData.open(tmp_path / "moved")
    (tmp_path / "moved" / "posts.parquet").unlink()
    with pytest.raises(DataError, match=r"posts\.parquet cannot be read"):
        _ = data.fingerprint


def test_a_folder_left_under_its_hidden_name_is_opened(folder):
    folder.rename(folder.with_name(".prepared.0123abcd.old"))
    assert PreparedData.open(folder).statistics["posts"] == 5


def test_pictures_that_were_moved(folder, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "b.jpg").touch()
    moved = PreparedData.open(folder, tmp_path / "new")
    images = [post.image for post in moved.posts()]
    assert images[1] == tmp_path / "new" / "b.jpg"
    assert images[0] is images[2] is images[4] is None
    assert [replace(post, image=None) for post in moved.posts()] == [
        replace(post, image=None) for post in expected(folder)
    ]
    assert moved.fingerprint == PreparedData.open(folder).fingerprint
    with pytest.raises(DataError, match=r"--images .*: none of the 2 pictures"):
        list(PreparedData.open(folder, folder).posts())
