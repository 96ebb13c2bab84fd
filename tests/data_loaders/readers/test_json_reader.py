import gzip
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_loaders.dump_files import unpacking
from data_loaders.errors import ConfigError, DataError
from data_loaders.readers import RawPost, ReaderOptions, Rejected, open_dump
from data_loaders.readers import json_array as array_module
from data_loaders.readers.json_array import iterate_array

LINE = {"post_id": "1", "user_id": "ann", "timestamp": "2022-10-28T00:00:00Z", "caption": "x #a", "image": "1.jpg"}


def write(folder, *lines, name="posts.jsonl"):
    path = folder / name
    content = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def read(path, **options):
    return list(open_dump(path, options=ReaderOptions(**options)).read())


@pytest.mark.parametrize("name", ["posts.jsonl", "posts.ndjson", "posts.JSON", "posts.jsonl.gz"])
def test_one_object_per_line(tmp_path, name):
    path = write(tmp_path, LINE, b"", {**LINE, "post_id": "2"}, name=name)
    first, second = read(path)
    assert first.post.post_id == "1"
    assert first.post.image == tmp_path / "1.jpg"
    assert (first.where, second.where) == (f"{name}:1", f"{name}:3")


@pytest.mark.parametrize("name", ["posts.json", "posts.jsonl", "posts.json.gz"])
def test_an_array_of_objects(tmp_path, name):
    path = tmp_path / name
    content = json.dumps([LINE, {**LINE, "post_id": "2"}, 5], indent=2).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    first, second, third = read(path)
    assert (first.post.post_id, second.post.post_id) == ("1", "2")
    assert second.where == f"{name}:item 2"
    assert third == Rejected(
        where=f"{name}:item 3",
        reason="wrong_type",
        detail='The record is a number, 5. Accepted: an object such as {"post_id": …}.',
    )


def test_malformed_lines_are_refused_by_number(tmp_path):
    path = write(tmp_path, LINE, b'{"post_id": ', b"[1]", b"[" * 100_000, b"9" * 5_000, {**LINE, "post_id": "2"})
    records = read(path)
    assert [getattr(record, "reason", "post") for record in records] == [
        "post",
        "malformed_json",
        "wrong_type",
        "malformed_json",
        records[4].reason,
        "post",
    ]
    assert records[1].where == "posts.jsonl:2"
    assert records[1].detail == (
        "Expecting value. The line begins with '{\"post_id\":'; accepted: one JSON object per line."
    )
    assert records[4].reason in {"malformed_json", "wrong_type"}


def test_a_repeated_id_is_refused_and_the_first_post_kept(tmp_path):
    first, second, third = read(write(tmp_path, LINE, {**LINE, "caption": "other"}, {**LINE, "post_id": 1}))
    assert first.post.caption == "x #a"
    assert (second.reason, third.reason) == ("duplicate_post_id", "duplicate_post_id")
    assert second.detail == "The id '1' occurred before; the first post with this id is kept."


def test_a_refused_record_does_not_claim_its_id(tmp_path):
    refused, kept = read(write(tmp_path, {**LINE, "caption": 5}, LINE))
    assert refused.reason == "wrong_type"
    assert isinstance(kept, RawPost)


def test_reading_twice_gives_the_same(tmp_path):
    reader = open_dump(write(tmp_path, LINE, LINE))
    assert list(reader.read()) == list(reader.read())


def test_bytes_that_are_no_utf8(tmp_path):
    path = write(tmp_path, b'{"post_id": "1", "caption": "caf\xe9"}', LINE | {"post_id": "2"})
    first, second = read(path)
    assert first.post.caption == "caf\ufffd"
    assert first.warnings[0].startswith("invalid_utf8: bytes that are not UTF-8 such as b'\\xe9")
    assert second.warnings == ()
    array = tmp_path / "array.json"
    array.write_bytes(b'[{"post_id": "1", "caption": "caf\xe9"}]')
    assert read(array)[0].warnings[0].startswith("invalid_utf8")


def test_surrogates_nul_and_a_byte_order_mark(tmp_path):
    path = write(tmp_path, b'\xef\xbb\xbf{"post_id": "1", "caption": "a\\ud83d\\u0000 \\ud83d\\ude00"}')
    assert read(path)[0].post.caption == "a\ufffd\0 😀"


def test_utf16_is_refused(tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text(json.dumps(LINE), encoding="utf-16")
    with pytest.raises(DataError, match=r"encoded in UTF-16\. Accepted: UTF-8\."):
        read(path)


def test_other_names_are_understood_and_told(tmp_path):
    path = write(tmp_path, {"ID": 1, "Author": "ann", "text": "x #a", "created_at": 1666987010, "file_name": "1.jpg"})
    reader = open_dump(path)
    (record,) = reader.read()
    assert (record.post.post_id, record.post.user_id, record.post.caption) == ("1", "ann", "x #a")
    assert record.post.image == tmp_path / "1.jpg"
    assert record.post.timestamp.year == 2022
    assert reader.mapping_used == {
        "post_id": "ID",
        "user_id": "Author",
        "timestamp": "created_at",
        "caption": "text",
        "image": "file_name",
    }


def test_the_own_name_wins_over_others_and_a_mapping_over_both(tmp_path):
    path = write(tmp_path, {**LINE, "text": "y", "body": "z"})
    assert read(path)[0].post.caption == "x #a"
    assert read(path, columns={"caption": "body"})[0].post.caption == "z"


def test_a_mapping_to_a_missing_key(tmp_path):
    path = write(tmp_path, LINE, {**LINE, "post_id": "2"})
    with pytest.raises(DataError, match=r"no column 'captoin', which the column mapping gives for caption. Did you"):
        read(path, columns={"caption": "captoin"})
    with pytest.raises(ConfigError, match=r"unknown field 'captoin'. Did you mean 'caption'\? Accepted: post_id, "):
        read(path, columns={"captoin": "text"})
    sparse = write(tmp_path, LINE, {**LINE, "post_id": "2", "body": "z"})
    assert [record.post.caption for record in read(sparse, columns={"caption": "body"})] == [None, "z"]


def test_one_pretty_printed_object_is_explained(tmp_path):
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"info": 1, "data": [LINE]}, indent=1))
    with pytest.raises(DataError, match="contains one object with the keys 'info', 'data', not posts"):
        read(path)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("between", ["\n", "", "\n\n", ",\n"])
def test_objects_over_several_lines_are_posts(tmp_path, number, between):
    path = tmp_path / "posts.json"
    posts = [{**LINE, "post_id": str(place + 1)} for place in range(number)]
    path.write_text(between.join(json.dumps(post, indent=2) for post in posts))
    records = read(path)
    assert [record.post.post_id for record in records] == ["1", "2"][:number]
    assert records[0].where == "posts.json:item 1"
    assert open_dump(path).count() is None


def test_objects_over_several_lines_that_break_off(tmp_path):
    path = tmp_path / "posts.json"
    path.write_text(json.dumps(LINE, indent=2) + "\n{\n")
    with pytest.raises(
        DataError, match=r"malformed at object 2: .*Later objects cannot be read\. Repair it, or write one"
    ):
        read(path)


def test_a_line_of_nothing_but_a_bracket_costs_itself(tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text("{\n" + json.dumps(LINE) + "\n")
    refused, kept = read(path)
    assert (refused.reason, kept.post.post_id) == ("malformed_json", "1")


@pytest.mark.parametrize("between", ["", " ", ",", "\r"])
def test_several_objects_in_a_line_are_as_many_posts(tmp_path, between):
    path = tmp_path / "posts.jsonl"
    lines = [{**LINE, "post_id": str(number)} for number in range(1, 5)]
    first, second, third, fourth = map(json.dumps, lines)
    path.write_text(f"{first}{between}{second}\n{third},\n{fourth} and more\n")
    *kept, refused = read(path)
    assert [record.post.post_id for record in kept] == ["1", "2", "3"]
    assert [record.where for record in kept] == ["posts.jsonl:1", "posts.jsonl:1", "posts.jsonl:2"]
    assert (refused.where, refused.reason) == ("posts.jsonl:3", "malformed_json")


def test_an_object_with_an_id_that_holds_the_posts_is_told(tmp_path):
    path = tmp_path / "result.json"
    path.write_text(json.dumps({"id": 7, "name": "channel", "messages": [LINE, LINE]}))
    (refused,) = read(path)
    assert refused.detail.startswith("The record is one object with the keys 'id', 'name', 'messages', not posts.")
    assert refused.detail.endswith("""write those, for example with jq -c '.["messages"][]'.""")


def test_a_broken_array_names_the_item(tmp_path):
    path = tmp_path / "posts.json"
    path.write_text("[" + json.dumps(LINE) + ', {"post_id": ')
    records = open_dump(path).read()
    assert next(records).post.post_id == "1"
    with pytest.raises(DataError, match=r"malformed at item 2: Expecting value. Later .*write one object per line"):
        next(records)


def test_a_file_that_was_cut_off_while_packed(tmp_path):
    path = tmp_path / "posts.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(json.dumps({**LINE, "post_id": n}).encode() for n in range(99)))[:-20])
    with pytest.raises(DataError, match="cannot be decompressed"):
        read(path)
    path.write_bytes(b"no gzip at all")
    with pytest.raises(DataError, match="cannot be decompressed"):
        read(path)


def test_counts_are_quick_estimates(tmp_path):
    assert open_dump(write(tmp_path, LINE, LINE, LINE)).count() == 3
    assert open_dump(write(tmp_path, LINE, name="posts.jsonl.gz")).count() is None
    assert open_dump(write(tmp_path, [LINE], name="array.json")).count() is None
    many = write(tmp_path, *[{**LINE, "caption": "a" * 1_000}] * 2_000, name="many.jsonl")
    assert open_dump(many).count() == pytest.approx(2_000, rel=0.02)


# A busy machine is slow to make values; that says nothing about them.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.recursive(st.integers() | st.text(), st.lists, max_leaves=5), max_size=8), st.integers(1, 9))
def test_a_streamed_array_equals_the_whole(values, chunk):
    content = json.dumps(values, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")
    whole = json.loads(content.decode("utf-8", "replace"))
    before, array_module._CHUNK_BYTES = array_module._CHUNK_BYTES, chunk
    try:
        assert [value for value, _ in iterate_array(io.BytesIO(content), "x")] == whole
    finally:
        array_module._CHUNK_BYTES = before


def test_a_line_that_is_too_long_is_refused_and_the_next_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "LONGEST_LINE", 200)
    path = write(tmp_path, LINE, b"x" * 1_000, {**LINE, "post_id": "2"})
    first, second, third = read(path)
    assert (first.post.post_id, third.post.post_id, third.where) == ("1", "2", "posts.jsonl:3")
    assert (second.where, second.reason) == ("posts.jsonl:2", "line_too_long")
    assert second.detail == "The line has more than 16 MiB; accepted: one JSON object per line, of at most that."


def test_an_item_that_does_not_end(monkeypatch):
    monkeypatch.setattr(array_module, "LONGEST_LINE", 1 << 10)
    with pytest.raises(DataError, match=r"x is malformed at item 2: it is not closed within 0 MiB\. Later items"):
        list(iterate_array(io.BytesIO(b'[1, "' + b"a" * (1 << 20)), "x"))


@pytest.mark.parametrize("start", [b"", b"[", b"[1"])
def test_blanks_without_end_are_not_unpacked(tmp_path, start):
    path = tmp_path / "posts.json.gz"
    path.write_bytes(gzip.compress(start + b" " * (66 << 20), 9))
    with pytest.raises(DataError, match=r"posts.json.gz unpacks to more than 4 MiB of white space in one place"):
        read(path)


@pytest.mark.parametrize("rest", ["[]", '[{"post_id": "2"}]', '{"post_id": "2"}', "garbage", "]"])
def test_what_follows_the_array_is_refused(tmp_path, rest):
    path = tmp_path / "posts.json"
    path.write_text(json.dumps([LINE]) + " \n" + rest)
    with pytest.raises(DataError, match=r"posts\.json goes on after the end of its array of 1 items with '") as error:
        read(path)
    assert repr(rest) in str(error.value)
    path.write_text(json.dumps([LINE]) + ";\n ")
    assert len(read(path)) == 1


def test_an_array_that_is_cut_off_between_items(tmp_path):
    path = tmp_path / "posts.json"
    path.write_text("[" + json.dumps(LINE) + ",")
    with pytest.raises(DataError, match="malformed at item 2: the file ends before the array is closed"):
        read(path)


@pytest.mark.parametrize("rest", ['"meta": 1', '"title": 1'])
def test_posts_inside_of_one_object_on_one_line(tmp_path, rest):
    path = tmp_path / "posts.json"
    path.write_text('{"data": [' + json.dumps(LINE) + "], " + rest + "}\n" + json.dumps(LINE))
    where = (
        r"one object with the keys 'data', '\w+', not posts\. Accepted: one object per line, or an array of objects\. "
    )
    remedy = (
        r"If the posts are the 1 objects of its key 'data', write those, for example with jq -c '\.\[\"data\"\]\[\]'\."
    )
    if "meta" in rest:
        with pytest.raises(DataError, match=where + remedy):
            read(path)
    else:
        refused, kept = read(path)
        assert refused.reason == "wrong_type"
        assert "the 1 objects of its key 'data'" in refused.detail
        assert kept.post.post_id == "1"


def test_a_post_without_an_id_that_holds_a_list_of_objects_stays_a_post(tmp_path):
    path = write(tmp_path, {"caption": "x", "media": [{"url": "1.jpg"}]})
    assert read(path, number_rows=True)[0].post.caption == "x"


@pytest.mark.parametrize("name", ["posts.jsonl", "posts.json"])
def test_a_key_that_is_given_twice(tmp_path, name):
    path = tmp_path / name
    two = ['{"post_id": "1", "caption": "x", "caption": "y"}', '{"post_id": "2", "caption": "x", "caption": "x"}']
    path.write_text("\n".join(two) if name.endswith("l") else f"[{','.join(two)}]")
    refused, kept = read(path)
    assert refused.reason == "repeated_key"
    assert refused.detail == "The key 'caption' occurs twice with different values; accepted: each key once."
    assert kept.post.caption == "x"


def test_numbers_that_are_none_are_missing(tmp_path):
    (record,) = read(
        write(tmp_path, b'{"post_id": 1, "user_id": NaN, "timestamp": NaN, "caption": "x #a", "hashtags": NaN}')
    )
    assert (record.post.user_id, record.post.timestamp, record.post.hashtags) == (None, None, ("a",))


def test_valid_text_beside_damaged_text_in_an_array(tmp_path):
    path = tmp_path / "posts.json"
    path.write_bytes('[{"post_id": 1, "caption": "a \ufffd"}, {"post_id": 2, "caption": "caf'.encode() + b'\xe9 x"}]')
    valid, damaged = read(path)
    assert (valid.post.caption, valid.warnings) == ("a \ufffd", ())
    assert damaged.post.caption == "caf\ufffd x"
    assert "such as b'\\xe9" in damaged.warnings[0]


@pytest.mark.parametrize("first", ["[1,2]", "[]", "[[{}]]"])
def test_a_list_in_the_first_of_many_lines_costs_its_line(tmp_path, first):
    path = tmp_path / "posts.jsonl"
    path.write_text(f"{first}\n" + "".join(f'{{"post_id": "{n}", "caption": "#sun"}}\n' for n in range(3)))
    refused, *kept = open_dump(path).read()
    assert (refused.reason, refused.where) == ("wrong_type", "posts.jsonl:1")
    assert [record.post.post_id for record in kept] == ["0", "1", "2"]


def test_a_first_line_that_nests_too_deeply_costs_its_line(tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text("[" * 100_000 + '\n5\n{"post_id": "1", "caption": "#sun"}\n', encoding="utf-8-sig")
    *refused, kept = open_dump(path).read()
    assert [(record.reason, record.where) for record in refused] == [
        ("malformed_json", "posts.jsonl:1"),
        ("wrong_type", "posts.jsonl:2"),
    ]
    assert kept.post.post_id == "1"
