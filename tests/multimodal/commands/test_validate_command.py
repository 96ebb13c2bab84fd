"""The command `validate`."""

from __future__ import annotations

import json


def test_a_dump_is_described(script, tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text('{"post_id": "1", "body": "x #a"}\n{')
    done = script("validate.py", "--source", path, "--columns", "caption=body", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{path}: json_lines\n1 posts by 0 users, 1 records refused" in done.stdout
    assert "malformed_json: 1 (repair the line or file, or download it again)\n    posts.jsonl:2: " in done.stdout


def test_a_dump_is_described_to_programs(command, tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text('{"post_id": "1", "body": "x #a", "timestamp": "2024-01-01T00:00:00Z"}\n{')
    done = command("validate", "--source", path, "--columns", "caption=body", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["format"], document["posts"], document["users"]) == (0, "json_lines", 1, 0)
    assert document["refused"] == {"malformed_json": 1}
    assert document["with"] == {"image": 0, "caption": 1, "timestamp": 1, "hashtags": 1}
    assert document["earliest"] == "2024-01-01 00:00:00+00:00"


def test_mistakes_are_told_without_a_traceback(process, command, tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text("{")
    for run, arguments, text in (
        (process, ["--source", tmp_path / "nothing"], "error: There is no file or folder"),
        (
            command,
            ["--source", path, "--columns", "caption"],
            "error: --columns 'caption' is not a pair. Accepted: FIELD=",
        ),
        (command, ["--source", path], "holds no usable post"),
        (command, ["--source", path, "--json"], "holds no usable post"),
    ):
        done = run("validate", *arguments)
        assert done.returncode == 2
        assert text in done.stderr
        assert "Traceback" not in done.stderr


def test_a_dump_without_a_usable_post_is_described_all_the_same(command, tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text("{")
    assert "0 posts by 0 users, 1 records refused" in command("validate", "--source", path).stdout
    assert json.loads(command("validate", "--source", path, "--json").stdout)["refused"] == {"malformed_json": 1}


def test_the_template_is_printed(command):
    done = command("validate", "--template", "jsonl")
    assert done.returncode == 0
    assert json.loads(done.stdout)["post_id"] == "1001"
    assert json.loads(command("validate", "--template", "csv", "--json").stdout)["post_id"] == "1001"
    assert command("validate", "--template", "csv").stdout.startswith("post_id,")
