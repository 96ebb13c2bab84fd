"""Several files as one dump: shards, days, patterns, folders and archives of them."""

import gzip
import json
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_loaders.errors import DataError
from data_loaders.readers import ReaderOptions, open_dump


def line(number, **fields):
    return json.dumps({"post_id": f"p{number}", "user_id": "u", "caption": f"day {number} #gull", **fields})


def days(folder, names=("2023-03-01.jsonl", "2023-03-02.jsonl", "2023-03-03.jsonl")):
    folder.mkdir(parents=True, exist_ok=True)
    for day, name in enumerate(names):
        text = f"{line(2 * day)}\n{line(2 * day + 1)}\n"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return folder


def shards(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for shard in range(3):
        ids = [f"p{2 * shard}", f"p{2 * shard + 1}"]
        table = pa.table({"post_id": ids, "caption": [f"{post} #gull" for post in ids]})
        pq.write_table(table, folder / f"train-{shard:05}-of-00003.parquet")
    return folder


def packed(folder, path):
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(folder.parent))
    else:
        with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
            archive.add(folder, folder.name)
    return path


def ids(reader):
    return [record.post.post_id for record in reader.read()]


SIX = [f"p{number}" for number in range(6)]


@pytest.mark.parametrize("make, name", [(shards, "parquet"), (days, "json_lines")])
@pytest.mark.parametrize("packing", [None, "x.zip", "x.tar", "x.tar.gz"])
def test_a_folder_or_archive_of_parts(tmp_path, make, name, packing):
    source = make(tmp_path / "dump")
    if packing:
        source = packed(source, tmp_path / packing)
    reader = open_dump(source)
    assert (reader.name, reader.path, ids(reader)) == (name, source, SIX)
    assert ids(reader) == SIX
    assert reader.notes()[0].startswith("3 files are read as one dump, in order of their names: ")
    assert ids(open_dump(source, name)) == SIX
    assert 3 <= reader.count() <= 6


def test_a_pattern_and_a_list_of_paths(tmp_path):
    days(tmp_path / "dump", ["a/2023.jsonl", "b/2024.jsonl.gz", "notes.jsonl"])
    pattern = tmp_path / "dump/*/202*.jsonl*"
    reader = open_dump(pattern)
    assert (reader.path, ids(reader)) == (pattern, SIX[:4])
    assert ids(open_dump(tmp_path / "dump/**/2023.jsonl")) == SIX[:2]
    listed = [tmp_path / "dump/b/2024.jsonl.gz", str(tmp_path / "dump/a")]
    assert ids(open_dump(listed)) == SIX[:4]
    assert open_dump(listed).path == tmp_path / "dump"
    with pytest.raises(DataError, match=r"No file matches .*\*.csv. Accepted: a file, a folder, or a pattern such as"):
        open_dump(tmp_path / "*.csv")


def test_records_name_their_file_and_repeats_across_files_are_refused(tmp_path):
    folder = days(tmp_path / "dump", ["day=1/part.jsonl", "day=2/part.jsonl"])
    with (folder / "day=2/part.jsonl").open("a") as file:
        file.write(f"{line(0)}\n[]\n")
    records = list(open_dump(folder).read())
    assert [record.where for record in records] == [
        *("day=1/part.jsonl:1", "day=1/part.jsonl:2", "day=2/part.jsonl:1", "day=2/part.jsonl:2"),
        *("day=2/part.jsonl:3", "day=2/part.jsonl:4"),
    ]
    assert [record.reason for record in records[4:]] == ["duplicate_post_id", "wrong_type"]


def test_rows_without_ids_are_told_apart(tmp_path):
    for day in (1, 2):
        (tmp_path / f"day={day}").mkdir()
        (tmp_path / f"day={day}/part.csv").write_text("caption\nx #a\n")
    reader = open_dump(tmp_path, options=ReaderOptions(number_rows=True))
    assert ids(reader) == ["day=1/part.csv:1", "day=2/part.csv:1"]
    assert sum("have no id" in note for note in reader.notes()) == 2


def test_pictures_are_relative_to_their_file(tmp_path):
    for day in ("1", "2"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "x.jsonl").write_text(line(day, image="a.jpg"))
    assert [record.post.image for record in open_dump(tmp_path).read()] == [tmp_path / "1/a.jpg", tmp_path / "2/a.jpg"]
    source = packed(tmp_path / "1", tmp_path / "x.zip")
    (record,) = open_dump(source).read()
    assert record.post.image == source / "1/a.jpg"


def test_what_is_not_read_is_named(tmp_path):
    folder = days(tmp_path / "dump")
    (folder / "images").mkdir()
    for name in ("README.md", "images/1.jpg", "cover.png", "old/2020.jsonl", "dataset_info.json", "2023-03-04.jsonl"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    notes = open_dump(folder).notes()
    assert notes[0] == "Not read: README.md, dataset_info.json, old/."
    assert notes[2] == "Empty, with no record: 2023-03-04.jsonl."


def test_different_tables_are_no_parts(tmp_path):
    (tmp_path / "tweets.csv").write_text("id,text\n1,x #a\n")
    (tmp_path / "users.csv").write_text("id,description\n7,I sail\n")
    with pytest.raises(
        DataError, match=r"users.csv differs, its caption is in 'description', that of tweets.csv in 'te"
    ):
        open_dump(tmp_path)
    (tmp_path / "users.csv").write_text("id,username\n7,ann\n")
    with pytest.raises(DataError, match=r"users.csv differs, its first records have neither a caption nor an image"):
        open_dump(tmp_path)
    assert ids(open_dump(tmp_path / "tw*.csv")) == ["1"]


def test_names_of_fields_may_change_from_day_to_day(tmp_path):
    (tmp_path / "2023-03-01.jsonl").write_text('{"id": 1, "text": "x #a"}')
    (tmp_path / "2023-03-02.jsonl").write_text('{"id": 2, "full_text": "y #a"}')
    reader = open_dump(tmp_path)
    assert [record.post.caption for record in reader.read()] == ["x #a", "y #a"]


def test_one_format_at_a_time(tmp_path):
    days(tmp_path, ["a.jsonl"])
    (tmp_path / "b.csv").write_text("post_id,caption\n1,x\n")
    with pytest.raises(
        DataError, match=r"several data files: 'a.jsonl', 'b.csv'. Choose the one .* or those that belo"
    ):
        open_dump(tmp_path)
    (tmp_path / "b.csv").unlink()
    days(tmp_path, ["a.jsonl", "a.jsonl.gz"])
    with pytest.raises(DataError, match=r"several data files: 'a.jsonl', 'a.jsonl.gz'"):
        open_dump(tmp_path)


def test_a_damaged_part_is_named(tmp_path):
    folder = shards(tmp_path / "dump")
    (folder / "train-00001-of-00003.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(DataError, match=r"train-00001-of-00003.parquet is not a readable Parquet file"):
        open_dump(folder)


def test_dumps_that_are_folders_are_read_from_the_folder_that_holds_them(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        structure = {"node": {"shortcode": name}, "instaloader": {"version": "4.14", "node_type": "Post"}}
        (tmp_path / name / "post.json").write_text(json.dumps(structure))
    with pytest.raises(
        DataError, match=r"a is a dump of the format instaloader; several of them are read from the fol"
    ):
        open_dump([tmp_path / "a", tmp_path / "b"])
