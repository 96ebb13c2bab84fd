"""Whole dumps: the answers of single calls, in files; going on after an interruption."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from functools import partial

import pyarrow.parquet as pq
import pytest

from data_loaders.bulk import executor as executor_module
from data_loaders.bulk.executor import InProcess
from data_loaders.bulk.processes import Processes
from data_loaders.errors import DataError, RunError, UserError
from data_loaders.readers import open_dump
from multimodal.distributed.processors import use_threads
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.serving.dumps.recommending import recommend_dump


class Stopped(Exception):
    """Ends a call where a test wants it to."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr("data_loaders.readers.record_batches._MOST_RECORDS", 16)


def executor(processes):
    return InProcess() if processes is None else Processes(processes, partial(use_threads, 1))


@pytest.fixture
def interrupted(monkeypatch, recommender, dump):
    """Recommend until a number of blocks is on the disk."""

    def stop(output, blocks, **options):
        finish = executor_module.finish

        def until(task, store, advance):
            finish(task, store, advance)
            if task.number == blocks - 1:
                raise Stopped

        with monkeypatch.context() as patch:
            patch.setattr(executor_module, "finish", until)
            with pytest.raises(Stopped):
                recommend_dump(recommender, open_dump(dump), output, {"k": 5, **options})
        return output.with_name(output.name + ".unfinished")

    return stop


def posts_of(dump):
    return {record.post.post_id: record.post for record in open_dump(dump).read() if hasattr(record, "post")}


@pytest.mark.parametrize("processes", [None, 1, 3])
def test_each_post_is_answered_as_in_a_call_of_its_own(recommender, dump, tmp_path, processes):
    output = tmp_path / "out.jsonl"
    done = recommend_dump(recommender, open_dump(dump), output, {"k": 4}, executor=executor(processes))
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    posts = posts_of(dump)
    assert [line["post_id"] for line in lines] == list(posts)
    for line in lines:
        post = replace(posts[line["post_id"]], hashtags=())
        alone = recommender.recommend(post.image, post.caption, post.user_id, 4, timestamp=post.timestamp)
        assert line["hashtags"] == [one.hashtag for one in alone]
        assert line["scores"] == [one.score for one in alone]
    assert (done.posts, done.lengths) == (120, {4: 120})
    assert done.refused == {"duplicate_post_id": 1, "missing_post_id": 1, "malformed_json": 1}
    listed = [json.loads(line) for line in done.listed.read_text().splitlines()]
    assert [line["reason"] for line in listed if not line["kept"]] == list(done.refused)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.rejected.jsonl"]


def test_the_formats_say_the_same_and_can_be_evaluated(recommender, dump, tmp_path):
    for ending in ("parquet", "csv", "jsonl"):
        recommend_dump(recommender, open_dump(dump), tmp_path / f"out.{ending}", {"k": 3})
    first, *others = [read_predictions(tmp_path / f"out.{ending}") for ending in ("parquet", "csv", "jsonl")]
    for other in others:
        assert list(other.post_ids) == list(first.post_ids)
        assert list(other) == list(first)
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["post_id", "rank", "hashtag", "score", "probability"]
    assert table["rank"].to_pylist() == [1, 2, 3] * 120


def test_outputs_of_one_name_have_a_list_each(recommender, dump, tmp_path):
    good = tmp_path / "good.jsonl"
    good.write_text('{"post_id": "a", "caption": "by the #sea"}\n')

    def listed(ending, source=dump):
        told = recommend_dump(recommender, open_dump(source), tmp_path / f"out.{ending}", {"k": 3}).listed
        return told and (told.name, len(told.read_text().splitlines()))

    first = listed("csv")
    assert first[0] == "out.rejected.jsonl"
    kept = (tmp_path / first[0]).read_bytes()
    assert listed("parquet", good) is None
    assert (tmp_path / first[0]).read_bytes() == kept
    assert (tmp_path / "out.parquet-rejected.jsonl").read_bytes() == b""
    # Again, in any order: every output keeps the list that it had.
    assert listed("parquet") == ("out.parquet-rejected.jsonl", first[1])
    assert listed("csv") == first
    assert listed("CSV") == ("out.CSV-rejected.jsonl", first[1])
    assert listed("csv", good) is None
    assert not (tmp_path / first[0]).exists()
    assert listed("csv") == first


def test_an_output_that_is_still_written_keeps_its_list_too(recommender, dump, tmp_path):
    (tmp_path / "out.parquet.unfinished").mkdir()
    done = recommend_dump(recommender, open_dump(dump), tmp_path / "out.csv", {"k": 3})
    assert done.listed == tmp_path / "out.csv-rejected.jsonl"


def test_rules_and_short_lists(recommender, dump, tmp_path):
    options = {"k": 3, "only": "mine", "always": ["shop"], "never": ["sea"]}
    done = recommend_dump(recommender, open_dump(dump), tmp_path / "out.jsonl", options)
    posts = posts_of(dump)
    for line in map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines()):
        assert line["hashtags"][0] == "shop"
        assert "sea" not in line["hashtags"]
        (expected,) = recommender.recommend_many([posts[line["post_id"]]], on_short="fewer", **options)
        assert line["hashtags"] == [one.hashtag for one in expected]
    assert set(done.lengths) == {1, 2, 3}
    assert done.lengths.total() == 120


def test_pictures_that_cannot_be_used_cost_the_picture_not_the_post(recommender, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    records = [
        {"post_id": "a", "user_id": "user3", "image": "bad.jpg"},
        {"post_id": "b", "user_id": "user3"},
        {"post_id": "c", "image": "bad.jpg"},
        {"post_id": "d", "image": "gone.jpg", "caption": "low tide"},
    ]
    (tmp_path / "posts.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    done = recommend_dump(recommender, open_dump(tmp_path / "posts.jsonl"), tmp_path / "out.jsonl", {"k": 2})
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["post_id"] for line in lines] == ["a", "b", "d"]
    assert lines[0]["hashtags"] == lines[1]["hashtags"]
    assert done.kept == {"image_not_an_image": 1, "image_missing": 1}
    assert done.refused == {"empty_post": 1}
    assert "Nothing is left to recommend for. image " in done.listed.read_text()


def test_a_post_that_cannot_be_answered_costs_no_other(recommender, dump, tmp_path, monkeypatch):
    many = recommender.recommend_many

    def with_a_fault(posts, **options):
        if any(getattr(post, "post_id", "") == "t005" for post in posts):
            raise UserError("no answer to this one")
        return many(posts, **options)

    monkeypatch.setattr(recommender, "recommend_many", with_a_fault)
    done = recommend_dump(recommender, open_dump(dump), tmp_path / "out.jsonl", {"k": 2})
    assert done.posts == 119
    assert done.refused["not_answered"] == 1
    assert '"detail": "no answer to this one", "post_id": "t005"' in done.listed.read_text()


class TestGoingOn:
    @pytest.mark.parametrize("processes", [None, 2])
    def test_gives_what_an_unbroken_call_gives(self, recommender, dump, tmp_path, interrupted, processes):
        recommend_dump(recommender, open_dump(dump), tmp_path / "whole.parquet", {"k": 5})
        output = tmp_path / "broken.parquet"
        folder = interrupted(output, 3)
        assert not output.exists()
        done = recommend_dump(recommender, open_dump(dump), output, {"k": 5}, executor=executor(processes))
        assert (done.resumed, done.posts) == (48, 120)
        assert output.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
        listed = (tmp_path / "whole.rejected.jsonl").read_bytes()
        assert (tmp_path / "broken.rejected.jsonl").read_bytes() == listed
        assert not folder.exists()

    def test_where_everything_was_answered_the_file_is_written(self, recommender, dump, tmp_path, interrupted):
        interrupted(tmp_path / "out.csv", 8)
        done = recommend_dump(recommender, open_dump(dump), tmp_path / "out.csv", {"k": 5})
        assert (done.resumed, done.posts) == (123, 120)

    def test_another_call_is_refused(self, recommender, dump, tmp_path, interrupted):
        output = tmp_path / "out.csv"
        folder = interrupted(output, 2)
        with pytest.raises(RunError) as refused:
            recommend_dump(recommender, open_dump(dump), output, {"k": 6})
        assert "holds what another call has answered: k was 5 there and is 6 here" in str(refused.value)
        assert f"To start over, delete {folder}." in str(refused.value)
        with pytest.raises(RunError, match="never was None there and is \\['sea'\\] here"):
            recommend_dump(recommender, open_dump(dump), output, {"k": 5, "never": ["sea"]})

    def test_a_dump_that_has_changed_is_refused(self, recommender, dump, tmp_path, interrupted, monkeypatch):
        text = dump.read_text()
        interrupted(tmp_path / "out.csv", 2)
        lines = text.splitlines(keepends=True)
        changes = {
            "where the record 't003' (posts.jsonl:4) was, there is the record 't004'": lines[:3] + lines[4:],
            "where the record 't020' (posts.jsonl:21) was, there is nothing": lines[:20],
            "where the record 't016' (posts.jsonl:17) was, there is one that says something else, or after it": [
                *lines[:20],
                lines[20].replace('"caption": "', '"caption": "other '),
                *lines[21:],
            ],
        }
        try:
            for message, changed in changes.items():
                dump.write_text("".join(changed))
                with pytest.raises(DataError) as refused:
                    recommend_dump(recommender, open_dump(dump), tmp_path / "out.csv", {"k": 5})
                assert message in str(refused.value)
        finally:
            dump.write_text(text)

    def test_of_a_dump_that_has_fewer_blocks(self, recommender, dump, tmp_path, interrupted):
        text = dump.read_text()
        interrupted(tmp_path / "out.csv", 3)
        try:
            dump.write_text("".join(text.splitlines(keepends=True)[:32]))
            with pytest.raises(DataError, match=r"where the record 't032' \(posts\.jsonl:33\) was, there is nothing"):
                recommend_dump(recommender, open_dump(dump), tmp_path / "out.csv", {"k": 5})
        finally:
            dump.write_text(text)

    def test_a_process_that_is_killed_costs_nothing_but_time(self, recommender, dump, tmp_path, monkeypatch, caplog):
        recommend_dump(recommender, open_dump(dump), tmp_path / "whole.csv", {"k": 5})
        many = recommender.recommend_many

        def killed_once(posts, **options):
            if any(getattr(post, "post_id", "") == "t020" for post in posts) and not (tmp_path / "killed").exists():
                (tmp_path / "killed").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return many(posts, **options)

        monkeypatch.setattr(recommender, "recommend_many", killed_once)
        recommend_dump(recommender, open_dump(dump), tmp_path / "killed.csv", {"k": 5}, executor=executor(2))
        assert "a worker was killed by signal 9" in caplog.text
        assert (tmp_path / "killed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()

    def test_a_damaged_part_is_named(self, recommender, dump, tmp_path, interrupted):
        folder = interrupted(tmp_path / "out.csv", 2)
        (second,) = (folder / "blocks").glob("0000001-*")
        (second / "answers.jsonl").write_text("{")
        with pytest.raises(RunError, match=r"0000001-\w+/answers\.jsonl is damaged: .* To start over, delete"):
            recommend_dump(recommender, open_dump(dump), tmp_path / "out.csv", {"k": 5})


class TestMistakes:
    def test_outputs(self, recommender, dump, tmp_path):
        mistakes = {
            tmp_path / "out.xlsx": "the ending '.xlsx' names no format; accepted: .parquet, .csv, .jsonl.",
            dump: "belongs to the dump",
            tmp_path: "the ending '' names no format",
        }
        for output, message in mistakes.items():
            with pytest.raises(UserError, match="output") as refused:
                recommend_dump(recommender, open_dump(dump), output, {"k": 5})
            assert message in str(refused.value)
        folder = tmp_path / "folder.csv"
        folder.mkdir()
        with pytest.raises(UserError, match=r"folder\.csv is a folder; give a file, for instance"):
            recommend_dump(recommender, open_dump(dump), folder, {"k": 5})

    def test_an_output_inside_of_the_dump(self, recommender, dump):
        reader = open_dump(dump)
        reader.path = dump.parent
        with pytest.raises(UserError, match=r"belongs to the dump .*, which is only read; choose another --output"):
            recommend_dump(recommender, reader, dump.parent / "out.csv", {"k": 5})

    @pytest.mark.parametrize("name", ["out.rejected.jsonl", "out.csv-rejected.jsonl"])
    def test_an_output_with_the_name_of_a_list(self, recommender, dump, tmp_path, name):
        with pytest.raises(UserError, match=rf"output .*{name}: files with such names list refused records; choose"):
            recommend_dump(recommender, open_dump(dump), tmp_path / name, {"k": 5})

    def test_an_output_that_is_one_of_several_files_of_the_dump(self, recommender, dump, tmp_path):
        output = tmp_path / "1.jsonl"
        for file in (output, tmp_path / "2.jsonl"):
            file.write_bytes(dump.read_bytes())
        with pytest.raises(UserError, match=r"output .*1\.jsonl belongs to the dump .*1\.jsonl, which is only read"):
            recommend_dump(recommender, open_dump(tmp_path / "*.jsonl"), output, {"k": 5})
        assert output.read_bytes() == dump.read_bytes()

    def test_an_output_whose_list_of_refused_records_is_the_dump(self, recommender, dump, tmp_path):
        named = tmp_path / "posts.rejected.jsonl"
        named.write_bytes(dump.read_bytes())
        message = r"posts\.csv: .*posts\.rejected\.jsonl, where refused records are listed, belongs to the dump"
        with pytest.raises(UserError, match=message):
            recommend_dump(recommender, open_dump(named), tmp_path / "posts.csv", {"k": 5})
        assert named.read_bytes() == dump.read_bytes()

    @pytest.mark.parametrize(
        "options, message",
        [
            ({"k": 0}, "k: 0 hashtags cannot be recommended"),
            ({"k": "auto"}, "k: 'auto' chooses a length by probabilities"),
            ({"k": 3, "never": ["a"], "always": ["a"]}, "always: 'a' is also among never"),
        ],
    )
    def test_what_cannot_be_asked_is_refused_before_anything_is_read(
        self, recommender, dump, tmp_path, options, message
    ):
        with pytest.raises(UserError) as refused:
            recommend_dump(recommender, open_dump(dump), tmp_path / "new" / "out.csv", options)
        assert message in str(refused.value)
        assert list(tmp_path.iterdir()) == []
