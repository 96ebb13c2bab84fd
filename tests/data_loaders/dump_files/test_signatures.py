"""Files that are not text under the name of a text: told what they are, and never read as rows."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import re
import sqlite3
import zipfile

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from data_loaders.errors import DataError
from data_loaders.readers import ReaderOptions, open_dump

TABLE = b"post_id,caption\n1,low tide #sea\n"


def database(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE posts (post_id, caption)")
    connection.commit()
    connection.close()


def workbook(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.xml", "")


FILES = {
    "an SQLite database; export the table of posts: sqlite3 -header -csv": database,
    "a workbook of a spreadsheet; save its sheet as CSV": workbook,
    "a workbook of an old spreadsheet": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 \0",
    "packed by gzip; add .gz to its name": gzip.compress(TABLE),
    "packed by bzip2; unpack it first": bz2.compress(TABLE),
    "packed by xz; unpack it first": lzma.compress(TABLE),
    "packed by Zstandard; unpack it first": b"\x28\xb5\x2f\xfd\x04",
    "an archive; unpack it first": b"7z\xbc\xaf\x27\x1c\0\4",
    "a Parquet file; name it .parquet": lambda path: pa.parquet.write_table(pa.table({"post_id": [1]}), path),
    "an Arrow or Feather file": lambda path: pa.feather.write_feather(pa.table({"post_id": [1]}), path),
    "an Avro or ORC file": b"Obj\x01\x04",
    "a pickle, which is never opened": pickle.dumps([{"post_id": 1}]),
    "a web page; if it was downloaded": b"\n<!DOCTYPE html><html></html>",
    "XML; write its posts as CSV": b'<?xml version="1.0"?><posts/>',
}


@pytest.mark.parametrize(
    "name", ["posts.csv", "posts.tsv", "posts.json", "posts.jsonl", "posts.unknown", "posts.csv.gz"]
)
@pytest.mark.parametrize("what", FILES)
def test_they_are_told_with_what_to_do(tmp_path, name, what):
    path, content = tmp_path / name, FILES[what]
    content(path) if callable(content) else path.write_bytes(content)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(DataError, match=re.escape(what)):
        list(open_dump(path, options=ReaderOptions(number_rows=True)).read())


@pytest.mark.parametrize("first", ["PAR1", "Obj", "ORC", "BZh9", "Rar!", "<b>post_id</b>", "PK"])
def test_texts_that_begin_alike_are_texts(tmp_path, first):
    path = tmp_path / "posts.csv"
    path.write_text(f"{first},post_id,caption\nx,1,low tide\n")
    assert [record.post.caption for record in open_dump(path).read()] == ["low tide"]
