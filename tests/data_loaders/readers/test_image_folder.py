"""Hugging Face's `imagefolder`, and tables with pictures inside."""

import json
import zipfile
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from data_loaders.errors import DataError
from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepared import PreparedData
from data_loaders.readers import open_dump
from data_loaders.readers.image_folder import ImageFolderReader

ROWS = [{"file_name": f"{number}.jpg", "text": f"day {number} #gull", "extra": number} for number in range(3)]


def write(folder, kind="csv", rows=ROWS, pictures=3):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"metadata.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        path.write_text("\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]))
    for number in range(pictures):
        Image.new("RGB", (8, 8)).save(folder / f"{number}.jpg")
    return folder


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_pictures_and_their_table(tmp_path, kind):
    folder = write(tmp_path / "dump", kind, pictures=5)
    (folder / "README.md").write_text("x")
    reader = open_dump(folder)
    assert (reader.name, reader.count() in (None, 3)) == ("image_folder", True)
    records = list(reader.read())
    assert [record.post.post_id for record in records] == ["0.jpg", "1.jpg", "2.jpg"]
    assert [record.post.image for record in records] == [folder / f"{number}.jpg" for number in range(3)]
    assert records[0].post.hashtags == ("gull",)
    assert reader.mapping_used == {"image": "file_name", "caption": "text"}
    assert list(reader.columns_unread) == ["extra"]
    assert reader.notes() == ["Not read: README.md.", "2 pictures are in no row of the metadata and are not read."]
    (record, *_) = open_dump(folder / f"metadata.{kind}").read()
    assert record.post.image == folder / "0.jpg"


def test_splits_are_one_dump(tmp_path):
    for split in ("test", "train"):
        write(tmp_path / "dump/data" / split, "jsonl")
    records = list(open_dump(tmp_path / "dump").read())
    assert [record.post.post_id for record in records][2:4] == ["data/test/2.jpg", "data/train/0.jpg"]
    assert records[3].post.image == tmp_path / "dump/data/train/0.jpg"
    assert records[3].where == "data/train/metadata.jsonl:1"


def test_in_an_archive(tmp_path):
    folder = write(tmp_path / "dump", "csv")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, f"dump/{path.name}")
    reader = open_dump(tmp_path / "x.zip")
    assert reader.name == "image_folder"
    assert [record.post.image for record in reader.read()] == [tmp_path / f"x.zip/dump/{name}.jpg" for name in range(3)]


def test_a_row_without_a_picture_gets_the_number_of_its_row(tmp_path):
    records = list(open_dump(write(tmp_path, rows=[ROWS[0], {**ROWS[1], "file_name": ""}])).read())
    assert [record.post.post_id for record in records] == ["0.jpg", "metadata.csv:2"]


def test_ids_of_the_table_are_kept(tmp_path):
    rows = [{"id": 7, **ROWS[0]}]
    (record,) = open_dump(write(tmp_path, rows=rows)).read()
    assert record.post.post_id == "7"


def test_tables_of_one_kind(tmp_path):
    write(tmp_path / "a", "csv")
    write(tmp_path / "b", "jsonl")
    with pytest.raises(DataError, match=r"is not an imagefolder. Accepted: tables .* Seen: a/metadata.csv, b/metadata"):
        list(open_dump(tmp_path).read())
    assert not ImageFolderReader.detect(tmp_path / "none")
    (tmp_path / "c").mkdir()
    (tmp_path / "c/metadata.csv").write_text("post_id,caption\n1,x\n")
    assert open_dump(tmp_path / "c").name == "csv"


def encoded(number):
    file = BytesIO()
    Image.effect_noise((24, 24), 80 + number).convert("RGB").save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("kind", ["struct", "binary"])
def test_pictures_inside_of_shards_are_trained_on(tmp_path, kind):
    contents = [encoded(number) for number in range(20)]
    (tmp_path / "data").mkdir()
    for shard in range(2):
        numbers = range(10 * shard, 10 * shard + 10)
        rows = [
            {
                "id": number,
                "image": {"bytes": contents[number], "path": f"{number}.png"} if kind == "struct" else contents[number],
                "text": f"day {number} of {number * 7} #gull",
                "date": f"2023-03-{number + 1:02d}",
            }
            for number in numbers
        ]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"data/train-{shard:05}-of-00002.parquet")
    summary = prepare(tmp_path / "data", tmp_path / "prepared")
    posts = PreparedData.open(tmp_path / "prepared").posts()
    assert [post.image.read_bytes() for post in posts] == contents
    assert all(post.image.suffix == ".png" for post in posts)
    assert summary.statistics["rejected"] == {"refused": {}, "kept": {}}
    prepare(tmp_path / "data", tmp_path / "prepared")  # the copies are its own and are replaced
    assert len(list((tmp_path / "prepared/copied_pictures").rglob("*.png"))) == 20


def test_a_damaged_picture_in_a_table_costs_the_picture(tmp_path):
    rows = [
        {"id": number, "image": {"bytes": content, "path": None}, "text": f"day {number} #gull"}
        for number, content in enumerate([b"no picture", b"", encoded(1), None])
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "posts.parquet")
    settings = PrepareSettings(split="random", fractions=(0.34, 0.33, 0.33), minimum_frequency=1)
    summary = prepare(tmp_path / "posts.parquet", tmp_path / "prepared", settings)
    assert summary.statistics["rejected"]["kept"] == {"image_not_an_image": 1, "image_path_unusable": 2}
    posts = PreparedData.open(tmp_path / "prepared").posts()
    assert sorted(post.post_id for post in posts if post.image is not None) == ["2"]
