"""Text in other encodings than UTF-8: named, read on request, and never a hashtag cut off in silence."""

import gzip
import json

import pytest

from data_loaders.errors import ConfigError, DataError
from data_loaders.readers import RawPost, ReaderOptions, open_dump
from data_loaders.readers.summary import summarise

CAPTION = "Un café à Paris #café #straße"
TABLE = f"post_id,caption\n1,{CAPTION}\n2,plain #fog\n"
LINES = "\n".join(json.dumps({"post_id": n, "caption": CAPTION}, ensure_ascii=False) for n in (1, 2))
ARRAY = json.dumps([{"post_id": 1, "caption": CAPTION}], ensure_ascii=False)


def write(folder, name, text, encoding):
    content = text.encode(encoding)
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return folder / name


def read(path, encoding=None):
    return list(open_dump(path, options=ReaderOptions(encoding=encoding)).read())


@pytest.mark.parametrize("encoding", ["latin-1", "windows-1252", "cp1252", "utf-16", "utf-16-le", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize(
    "name, text",
    [
        ("posts.csv", TABLE),
        ("posts.csv.gz", TABLE),
        ("posts.jsonl", LINES),
        ("posts.jsonl.gz", LINES),
        ("x.json", ARRAY),
    ],
)
def test_files_are_read_in_their_encoding(tmp_path, name, text, encoding):
    path = write(tmp_path, name, text, encoding)
    record = read(path, encoding)[0]
    assert (record.post.caption, record.post.hashtags, record.warnings) == (CAPTION, ("café", "strasse"), ())
    assert open_dump(path, options=ReaderOptions(encoding=encoding)).count() != 0


@pytest.mark.parametrize("name, text", [("posts.csv", TABLE), ("posts.jsonl", LINES)])
def test_latin1_is_named_and_leaves_no_cut_hashtag(tmp_path, name, text):
    path = write(tmp_path, name, text, "latin-1")
    refused = read(path)[0]
    assert refused.reason == "invalid_utf8"
    assert refused.detail.startswith("A hashtag may be cut off: bytes that are not UTF-8 such as b'\\xe9")
    assert refused.detail.endswith("it seems to be windows-1252: try --encoding windows-1252")


@pytest.mark.parametrize("name, text", [("posts.csv", "post_id,caption\n1,a \ufffd #b\n"), ("posts.jsonl", None)])
def test_a_replacement_character_that_is_valid_is_not_blamed(tmp_path, name, text):
    text = text or json.dumps({"post_id": 1, "caption": "a \ufffd #b"}, ensure_ascii=False)
    (record,) = read(write(tmp_path, name, text, "utf-8"))
    assert (record.post.caption, record.warnings) == ("a \ufffd #b", ())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "iso2022_jp"])
def test_other_encodings_are_named_where_no_text_in_utf8_looks_like_them(tmp_path, encoding):
    table = "post_id,caption,hashtags\n1,海の日はカフェ,夏\n2,walk by the sea,sea\n"
    path = write(tmp_path, "posts.csv", table, encoding)
    with pytest.raises(
        DataError, match=rf"encoded in {encoding.upper()}\. Accepted: UTF-8\. Read it with --encoding {encoding}, "
    ):
        read(path)
    assert [record.post.caption for record in read(path, encoding)] == ["海の日はカフェ", "walk by the sea"]


@pytest.mark.parametrize(
    ("encoding", "name"), [("utf-16", "UTF16"), ("utf-16-le", "u16"), ("iso2022_jp", "csISO2022JP")]
)
def test_other_names_of_an_encoding_count(tmp_path, encoding, name):
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    path = write(tmp_path, "posts.csv", f"{mark}post_id,caption\n1,海の日 #sea\n", encoding)
    (record,) = read(path, name)
    assert (record.post.caption, record.warnings) == ("海の日 #sea", ())


def test_utf16_is_not_read_in_an_encoding_of_one_byte(tmp_path):
    with pytest.raises(DataError, match=r"encoded in UTF-16\. Accepted: UTF-8\. Read it with --encoding utf-16"):
        read(write(tmp_path, "posts.csv", TABLE, "utf-16"), "iso-8859-1")


def test_an_escape_in_utf8_is_no_japanese_encoding(tmp_path):
    (record,) = read(write(tmp_path, "posts.csv", "post_id,caption\n1,é \x1b(J a\n", "utf-8"))
    assert record.post.caption == "é \x1b(J a"


def test_utf16_without_the_option_says_how(tmp_path):
    with pytest.raises(DataError, match=r"encoded in UTF-16\. Accepted: UTF-8\. Read it with --encoding utf-16"):
        read(write(tmp_path, "posts.csv", TABLE, "utf-16"))


def test_utf16_that_is_cut_off(tmp_path):
    path = write(tmp_path, "posts.csv", TABLE, "utf-16")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"posts\.csv is not encoded in utf-16: .*Give another --encoding"):
        read(path, "utf-16")


def test_bytes_that_an_encoding_lacks_are_warned_of(tmp_path):
    path = tmp_path / "posts.csv"
    path.write_bytes(b"post_id,caption\n1,caf\xe9 \x81 x\n")
    (record,) = read(path, "windows-1252")
    assert isinstance(record, RawPost)
    assert record.post.caption == "café \ufffd x"
    assert record.warnings[0].startswith("invalid_utf8")


@pytest.mark.parametrize("encoding", ["latin-2024", "hex", "", "rot13"])
def test_unknown_encodings_are_refused(encoding):
    with pytest.raises(ConfigError, match=r"--encoding '.*' is unknown; accepted: utf-8, windows-1252, lat"):
        ReaderOptions(encoding=encoding)


@pytest.mark.parametrize("name, text", [("posts.csv", TABLE), ("posts.jsonl", LINES)])
def test_validate_names_the_encoding_of_all(tmp_path, name, text):
    summary = summarise(open_dump(write(tmp_path, name, text, "latin-1")))
    (note,) = [note for note in summary.notes if "UTF-8" in note]
    assert note.startswith(
        f"{summary.reasons['invalid_utf8'] + summary.warnings['invalid_utf8']} records hold bytes that"
    )
    assert note.endswith("seem to be windows-1252; if so, read the dump with --encoding windows-1252.")
