"""A prepared folder that was edited is refused, with what is wrong and the command that makes it anew."""

import json
from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_loaders.errors import DataError
from data_loaders.prepare.folder_format import POSTS_SCHEMA
from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepare.vocabulary import Vocabulary
from data_loaders.prepared import PreparedData


def row(number, split, **values):
    given = {
        "post_id": f"p{number}", "user_id": "ann", "timestamp": datetime(2024, 3, 1 + number, tzinfo=timezone.utc),
        "sequence": number, "caption": "low tide", "caption_original": "low tide #sea", "image": None,
        "hashtags": ["sea", "日本"], "hashtags_surface": ["sea", "日本"], "duplicate_group": number, "split": split,
    }  # fmt: skip
    return {**given, **values}


ROWS = [row(0, "train"), row(1, "train", timestamp=None), row(2, "validation", hashtags=[]), row(3, "test")]
ROWS[0]["timestamp"] = None


def write(folder, table):
    folder.mkdir(exist_ok=True)
    pq.write_table(table, folder / "posts.parquet")
    Vocabulary(("sea",), (2,), 1).save(folder / "vocabulary.json")
    (folder / "statistics.json").write_text(json.dumps({"format_version": 1}))
    return folder


def edited(folder, number=0, **values):
    rows = [dict(one) for one in ROWS]
    rows[number].update(values)
    return write(folder, pa.Table.from_pylist(rows, POSTS_SCHEMA))


def refusal(folder):
    with pytest.raises(DataError) as error:
        PreparedData.open(folder).split("train")
    text = str(error.value)
    assert text.startswith(f"{folder / 'posts.parquet'} has ")
    assert text.endswith(f"; do not edit it, prepare the dump again: multimodal-hashtags prepare --source DUMP "
                         f"--output {folder}")  # fmt: skip
    return text


def test_what_prepare_writes_is_accepted(tmp_path):
    assert len(PreparedData.open(edited(tmp_path / "prepared")).posts()) == 4
    assert len(PreparedData.open(write(tmp_path / "empty", POSTS_SCHEMA.empty_table())).posts()) == 0


@pytest.mark.parametrize("settings", [{}, {"split": "random"}, {"top_hashtags": 2, "only_top_hashtags": True}])
@pytest.mark.parametrize("dated", [True, False])
def test_a_dump_of_any_kind_is_accepted_once_it_is_prepared(tmp_path, settings, dated):
    tags = ["Sea", "İstanbul", "日本", "Straße", "हिंदी", "Ꭰ", "a_1"]
    lines = [
        {"post_id": f"{number}", "user_id": "ann", "caption": f"#{tags[number % 7]} C# number {number} #{tags[0]}",
         "timestamp": f"2024-03-{1 + number // 3:02}" if dated else None}
        for number in range(60)
    ]  # fmt: skip
    (tmp_path / "dump.jsonl").write_text("\n".join(map(json.dumps, lines)))
    prepare(tmp_path / "dump.jsonl", tmp_path / "prepared", PrepareSettings(**settings))
    assert len(PreparedData.open(tmp_path / "prepared").posts()) > 0


@pytest.mark.parametrize(
    ("name", "values", "problem"),
    [
        ("timestamp", pa.array(["2024-03-01"] * 4), "as string; expected: timestamp[us, tz=UTC]"),
        ("user_id", pa.array([1, 2, 3, 4]), "as int64; expected: string"),
        ("hashtags", pa.array(["sea"] * 4), "as string; expected: list<element: string>"),
        ("hashtags", pa.array([[1]] * 4), "as list<element: int64>; expected: list<element: string>"),
        ("sequence", pa.array([0.0] * 4), "as double; expected: int64"),
    ],
)
def test_columns_of_other_types(tmp_path, name, values, problem):
    table = pa.Table.from_pylist(ROWS, POSTS_SCHEMA)
    folder = write(tmp_path / "prepared", table.set_column(table.column_names.index(name), name, values))
    with pytest.raises(DataError, match="prepare the dump again") as error:
        PreparedData.open(folder)
    assert f"has the column {name!r} {problem};" in str(error.value).replace("<item", "<element")


def test_a_column_given_twice(tmp_path):
    table = pa.Table.from_pylist(ROWS, POSTS_SCHEMA)
    folder = write(tmp_path / "prepared", table.append_column("split", table["split"]))
    with pytest.raises(DataError, match=r"has the column 'split' 2 times; do not edit it"):
        PreparedData.open(folder)


def test_text_with_long_offsets_is_text(tmp_path):
    table = pa.Table.from_pylist(ROWS, POSTS_SCHEMA)
    long = pa.schema(
        [field.with_type(pa.large_string()) if field.type == pa.string() else field for field in table.schema]
    )
    assert PreparedData.open(write(tmp_path / "prepared", table.cast(long))).posts()[3].post_id == "p3"


@pytest.mark.parametrize(
    ("number", "values", "problem"),
    [
        (1, {"post_id": "p0"}, "the post id 'p0' 2 times"),
        (1, {"post_id": None}, "no post_id in 1 of 4 rows"),
        (1, {"post_id": ""}, "a post whose id is empty"),
        (2, {"split": "dev"}, "post 'p2' in the split 'dev' (accepted: train, validation, test)"),
        (2, {"split": None}, "no split in 1 of 4 rows"),
        (3, {"hashtags": None}, "no hashtags in 1 of 4 rows"),
        (3, {"duplicate_group": None}, "no duplicate_group in 1 of 4 rows"),
        (3, {"hashtags": ["sea", None]}, "a null among the hashtags of post 'p3'"),
        (3, {"hashtags": ["Sea"]}, "the hashtag 'Sea' in post 'p3', whose canonical form is 'sea'"),
        (1, {"hashtags": ["sea", "#sea"]}, "the hashtag '#sea' in post 'p1', whose canonical form is 'sea'"),
        (3, {"hashtags": ["ｓｅａ"]}, "the hashtag 'ｓｅａ' in post 'p3', whose canonical form is 'sea'"),
        (3, {"hashtags": [""]}, "the hashtag '' in post 'p3', which is none: it has no letter"),
        (3, {"hashtags": ["2024"]}, "the hashtag '2024' in post 'p3', which is none: it has no letter"),
        (3, {"sequence": 7}, "post 'p3' in row 3 and sequence 7; they must be the same"),
        (0, {"timestamp": datetime(2024, 3, 9, tzinfo=timezone.utc)}, "post 'p1' behind a later one; posts are in "
         "order of split (train, validation, test) and time"),
        (0, {"split": "test"}, "post 'p1' behind a later one; posts are in order of split (train, validation, test) "
         "and time"),
    ],
)  # fmt: skip
def test_what_posts_may_not_hold(tmp_path, number, values, problem):
    assert f"has {problem};" in refusal(edited(tmp_path / "prepared", number, **values))


def test_a_time_that_no_calendar_has(tmp_path):
    table = pa.Table.from_pylist(ROWS, POSTS_SCHEMA)
    times = pa.array([None, None, 0, 2**60], pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    folder = write(tmp_path / "prepared", table.set_column(2, "timestamp", times))
    assert "a timestamp outside of the years 1 to 9999" in refusal(folder)


def test_captions_as_they_were_posted(tmp_path):
    rows = [{**one, "caption": one["caption_original"]} for one in ROWS]
    folder = write(tmp_path / "prepared", pa.Table.from_pylist(rows, POSTS_SCHEMA))
    assert (
        "captions that hold the hashtags of their posts, as that of post 'p0': 3 of 3 that were looked at"
    ) in refusal(folder)


def test_a_caption_may_have_signs_and_hashtags_of_others(tmp_path):
    rows = [{**one, "caption": "C# by #ann, #1"} for one in ROWS]
    assert len(PreparedData.open(write(tmp_path / "prepared", pa.Table.from_pylist(rows, POSTS_SCHEMA))).posts()) == 4
