"""One file of JSON Lines that is read in parts gives the same prepared folder as one that is read at once."""

import gzip
import json
import sys
from pathlib import Path

import pytest

from data_loaders.bulk.executor import InProcess
from data_loaders.bulk.processes import Processes
from data_loaders.errors import DataError
from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.readers import json_lines, open_dump
from data_loaders.readers.base import ReaderOptions

sys.path.insert(0, str(Path(__file__).parent))

from dump_of_days import bytes_of, record

PARTS = 1_000


@pytest.fixture(autouse=True)
def _no_plots(monkeypatch):
    monkeypatch.setattr("data_loaders.prepare.prepare.draw_plots", lambda *_: [])


def write(path, records, mark=b""):
    """Write records as lines; text and bytes are written as they are."""
    path.parent.mkdir(exist_ok=True)
    texts = [one if isinstance(one, (str, bytes)) else json.dumps(one, ensure_ascii=False) for one in records]
    path.write_bytes(mark + b"\n".join(one if isinstance(one, bytes) else one.encode() for one in texts) + b"\n")
    return path


def whole_and_parts(tmp_path, source, monkeypatch, options=None, executor=None, size=PARTS, **settings):
    """Prepare a dump at once, and in parts of about so many bytes."""
    arguments = {"settings": PrepareSettings(**settings), "options": options}
    prepare(source, tmp_path / "whole" / "prepared", **arguments)
    monkeypatch.setattr(json_lines, "_PART_BYTES", size)
    assert len(open_dump(source, options=options).parts()) > 3
    prepare(source, tmp_path / "parts" / "prepared", executor=executor or InProcess(), **arguments)
    return bytes_of(tmp_path / "whole" / "prepared"), bytes_of(tmp_path / "parts" / "prepared")


def hostile():
    """Return records of which many are refused, repeated or doubted, all over the file."""
    records = [record(number) for number in range(80)]
    records[3] = record(3, timestamp="the day before")
    records[7] = "no JSON"
    records[9] = record(9, caption="#onlyhere", user_id=None)  # refused: nothing is left of it
    records[12] = ""
    records[20] = record(4, caption="again #sea")
    records[21] = record(3, caption="and again #sea", timestamp="tomorrow")
    records[22] = "[1]"
    records[30] = record(30, post_id=None)
    records[31] = b'{"post_id": "caf\xe9", "user_id": "user1", "caption": "caf\xe9 #sea"}'
    records[50] = record(9, caption="the id of one that was refused #sea")
    records[51] = record(51, mood="calm")
    records[60] = record(31, timestamp="never")
    records[61] = b'{"post_id": "p61", "user_id": "user1", "caption": "na\xefve walk"}'
    records[70] = record(60, caption="its first is a repeat #sea")
    records[71] = record(61, caption="\ufeffits first was doubted", timestamp="tomorrow")
    records[77] = '{"post_id": "p77", "post_id": "p78", "caption": "two ids"}'
    return records


@pytest.mark.parametrize("executor", [InProcess(), Processes(3)])
def test_every_byte_is_the_same(tmp_path, monkeypatch, executor):
    source = write(tmp_path / "dump" / "posts.jsonl", hostile())
    whole, parts = whole_and_parts(tmp_path, source, monkeypatch, executor=executor)
    assert parts == whole
    listed = [json.loads(line) for line in parts["rejected.jsonl"].splitlines()]
    lines = [int(one["where"].partition(":")[2]) for one in listed]
    assert lines == sorted(lines)
    reasons = {line: one["reason"] for line, one in zip(lines, listed, strict=True)}
    assert {line: reason for line, reason in reasons.items() if reason == "duplicate_post_id"} == dict.fromkeys(
        (21, 22, 51, 72), "duplicate_post_id"
    )
    assert json.loads(parts["statistics.json"])["source"]["columns_unread"] == ["mood"]


@pytest.mark.parametrize("size", [1, 250, 3_000])
def test_wherever_it_is_cut(tmp_path, monkeypatch, size):
    source = write(tmp_path / "dump" / "posts.jsonl", hostile(), mark=b"\xef\xbb\xbf")
    whole, parts = whole_and_parts(tmp_path, source, monkeypatch, size=size)
    assert parts == whole


def test_ids_made_of_row_numbers_and_pictures(tmp_path, monkeypatch):
    records = [{name: value for name, value in record(number).items() if name != "post_id"} for number in range(70)]
    for number in (4, 40):
        records[number]["image"] = "gone.jpg"
    source = write(tmp_path / "dump" / "posts.jsonl", records)
    whole, parts = whole_and_parts(tmp_path, source, monkeypatch, ReaderOptions(number_rows=True))
    assert parts == whole
    assert "70 records have no id and got one" in json.loads(parts["statistics.json"])["notes"][0]


class TestMappedKeys:
    def records(self):
        records = [record(number) for number in range(70)]
        for number, one in enumerate(records):
            one["words"] = one.pop("caption")
            if number % 30 == 20:
                one["author"] = one.pop("user_id")
        return records

    def test_may_be_in_few_records(self, tmp_path, monkeypatch):
        source = write(tmp_path / "dump" / "posts.jsonl", self.records())
        options = ReaderOptions(columns={"caption": "words", "user_id": "author"})
        whole, parts = whole_and_parts(tmp_path, source, monkeypatch, options)
        assert parts == whole
        assert json.loads(parts["statistics.json"])["source"]["mapping_used"] == {
            "caption": "words", "user_id": "author"
        }  # fmt: skip

    @pytest.mark.parametrize("first", [None, 45])
    def test_that_are_nowhere_or_too_late_are_refused(self, tmp_path, monkeypatch, first):
        monkeypatch.setattr("data_loaders.readers.fields._RECORDS_WITHOUT_MAPPED_KEY", 40)
        records = [record(number) for number in range(70)]
        if first is not None:
            records[first]["author"] = "ann"
        source = write(tmp_path / "dump" / "posts.jsonl", records)
        options = ReaderOptions(columns={"user_id": "author"})
        said = []
        for size in (1 << 24, PARTS):
            monkeypatch.setattr(json_lines, "_PART_BYTES", size)
            with pytest.raises(DataError, match="has no column 'author', which the column mapping gives for") as error:
                prepare(source, tmp_path / "out" / "prepared", options=options)
            said.append(str(error.value))
        assert said[0] == said[1]
        assert not any((tmp_path / "out").iterdir())


def test_what_cannot_be_cut_is_one_part(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "_PART_BYTES", 100)
    records = [record(number) for number in range(20)]
    (tmp_path / "array.json").write_text(json.dumps(records))
    with gzip.open(tmp_path / "packed.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(one) + "\n" for one in records)
    source = write(tmp_path / "posts.jsonl", records)
    for path in (tmp_path / "array.json", tmp_path / "packed.jsonl.gz"):
        assert len(open_dump(path).parts()) == 1
    assert len(open_dump(source, options=ReaderOptions(encoding="latin-1")).parts()) == 1
    assert len(open_dump(source).parts()) > 10


def test_a_file_of_pretty_printed_json_is_refused_as_before(tmp_path, monkeypatch):
    path = tmp_path / "posts.json"
    path.write_text(json.dumps({"posts": [record(number) for number in range(9)]}, indent=1))
    said = []
    for size in (1 << 24, 100):
        monkeypatch.setattr(json_lines, "_PART_BYTES", size)
        with pytest.raises(DataError, match="contains one object with the keys") as error:
            prepare(path, tmp_path / "out", format="json_lines")
        said.append(str(error.value))
    assert said[0] == said[1]


def test_after_a_kill_finished_parts_are_not_read_again(tmp_path, monkeypatch):
    source = write(tmp_path / "dump" / "posts.jsonl", hostile())
    monkeypatch.setattr(json_lines, "_PART_BYTES", PARTS)
    write_part = json_lines.JsonLinesReader.records
    read = []

    def records(reader):
        read.append(reader._span.lines_before)
        if len(read) == 4:
            raise KeyboardInterrupt
        return write_part(reader)

    monkeypatch.setattr(json_lines.JsonLinesReader, "records", records)
    with pytest.raises(KeyboardInterrupt):
        prepare(source, tmp_path / "out" / "prepared", format="json_lines")
    prepare(source, tmp_path / "out" / "prepared", format="json_lines")
    assert len(read) == len(set(read)) + 1
    assert read[3] == read[4]
    monkeypatch.setattr(json_lines.JsonLinesReader, "records", write_part)
    prepare(source, tmp_path / "again" / "prepared", format="json_lines")
    assert bytes_of(tmp_path / "out" / "prepared") == bytes_of(tmp_path / "again" / "prepared")
