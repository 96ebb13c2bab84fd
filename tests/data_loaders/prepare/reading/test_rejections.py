"""`rejected.jsonl` lists records and is bounded; the counts have all of them."""

import json

import pytest

from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.reading import rejections
from data_loaders.prepare.reading.rejections import RejectionLog
from multimodal.commands.prepare import describe


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(autouse=True)
def low_bound(monkeypatch):
    monkeypatch.setattr(rejections, "MOST_LISTED", 3)


def test_the_first_of_each_reason_are_listed_and_all_are_counted(tmp_path):
    with RejectionLog(tmp_path / "rejected.jsonl") as log:
        for number in range(5):
            log.add(f"line {number}", "malformed_json", "no JSON", None, kept=False)
            log.add(f"line {number}", "absurd_timestamp", "year 99999", f"p{number}", kept=True)
        log.add("line 5", "empty_post", "nothing", "p5", kept=False)
        for number in range(3):
            log.add(f"line {number}", "repeated_key", "twice", None, kept=False)
    assert log.refused == {"malformed_json": 5, "empty_post": 1, "repeated_key": 3}
    assert log.kept == {"absurd_timestamp": 5}
    listed = [(line["reason"], line["where"]) for line in lines(tmp_path / "rejected.jsonl")]
    for reason in ("malformed_json", "absurd_timestamp", "repeated_key"):
        assert [where for name, where in listed if name == reason] == ["line 0", "line 1", "line 2"]
    assert ("empty_post", "line 5") in listed
    (note,) = log.notes()
    assert note == (
        "rejected.jsonl lists the first 3 records of each reason; there are 5 malformed_json, 5 absurd_timestamp."
    )


def test_prepare_names_the_encoding_behind_its_total(tmp_path):
    rows = [f"{number},user{number % 3},2024-01-{number % 28 + 1:02},walk,sun" for number in range(60)]
    rows += [f"bad{number},user,2024-01-01,Café #café," for number in range(7)]
    (tmp_path / "posts.csv").write_bytes(
        "\n".join(["post_id,user_id,timestamp,caption,hashtags", *rows]).encode("cp1252")
    )
    summary = prepare(tmp_path / "posts.csv", tmp_path / "out")
    assert summary.statistics["rejected"]["refused"] == {"invalid_utf8": 7}
    assert len(lines(tmp_path / "out" / "rejected.jsonl")) == 3
    told = [part for part in describe(summary) if isinstance(part, str)]
    assert (
        "note: 7 records hold bytes that are not UTF-8 and seem to be windows-1252; if so, read the dump with "
        "--encoding windows-1252." in told
    )
    assert "note: rejected.jsonl lists the first 3 records of each reason; there are 7 invalid_utf8." in told
