"""`recommend --source`: whole dumps from the command line, and a real kill."""

from __future__ import annotations

import json
import signal
import zipfile

import pytest

KILLED_AFTER_TWO_BLOCKS = """
import os, signal, sys
from data_loaders.readers import record_batches
from data_loaders.bulk.progress import Bar
from multimodal.commands.main import main

record_batches._MOST_RECORDS = 16
advance, told = Bar.advance, []

def advance_and_die(self, steps=1):
    advance(self, steps)
    told.append(steps)
    if len(told) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[1] == "kill":
    Bar.advance = advance_and_die
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def dump(prepared):
    return prepared.parent / "posts.jsonl"


def test_killed_and_run_again_it_goes_on(program, trained, dump, tmp_path):
    asked = ("recommend", "--run", trained, "--source", dump, "--processes", "2", "--device", "cpu", "--output")
    output = tmp_path / "out.parquet"
    # It returns only when the workers have ended too: they hold the pipes that it reads.
    killed = program("-c", KILLED_AFTER_TWO_BLOCKS, "kill", *asked, output)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["out.parquet.unfinished"]
    blocks = (tmp_path / "out.parquet.unfinished" / "blocks").glob("[!.]*")
    finished = sum(len((block / "answers.jsonl").read_text().splitlines()) for block in blocks)
    assert finished >= 16  # of two blocks that were told to be answered, the second may not be in its place yet
    again = program("-c", KILLED_AFTER_TWO_BLOCKS, "go on", *asked, output)
    assert again.returncode == 0, again.stderr
    assert f"{finished} records were read by an earlier call that was interrupted" in again.stdout
    whole = program("-c", KILLED_AFTER_TWO_BLOCKS, "go on", *asked, tmp_path / "whole.parquet")
    assert "interrupted" not in whole.stdout
    assert output.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.parquet", "whole.parquet"]


def test_it_says_what_became_of_the_dump(command, trained, dump, tmp_path):
    packed = tmp_path / "dump.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("posts.jsonl", dump.read_text() + "no JSON\n")
    output = tmp_path / "habit.csv"
    asked = ("recommend", "--run", trained, "--source", packed, "--output", output, "--k", "3", "--never", "sea")
    done = command(*asked, "--processes", "1", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert f"{output}: 120 posts; hashtags each: 3 (120 posts)" in done.stdout
    assert "malformed_json" in done.stdout
    assert f"listed in {tmp_path / 'habit.rejected.jsonl'}" in done.stdout
    assert f"multimodal-hashtags evaluate --predictions {output} --data data/prepared --name habit" in done.stdout
    assert "sea" not in output.read_text()
    document = json.loads(command(*asked, "--json").stdout)
    assert (document["posts"], document["lengths"], document["refused"]) == (120, {"3": 120}, {"malformed_json": 1})


def test_its_file_can_be_evaluated(command, trained, dump, prepared, tmp_path):
    output = tmp_path / "habit.jsonl"
    assert command("recommend", "--run", trained, "--source", dump, "--output", output).returncode == 0
    kept = [line for line in output.read_text().splitlines() if json.loads(line)["post_id"] >= "p9"]
    output.write_text("\n".join(kept) + "\n")
    asked = ("--predictions", output, "--data", prepared, "--name", "habit", "--split", "train", "--k", "1-5")
    done = command("evaluate", *asked, "--output", tmp_path / "evaluated")
    assert done.returncode == 0, done.stderr


def test_a_dump_without_posts(command, trained, tmp_path):
    (tmp_path / "posts.jsonl").write_text('{"caption": "no id"}\n')
    asked = ("--source", tmp_path / "posts.jsonl", "--output", tmp_path / "out.csv")
    done = command("recommend", "--run", trained, *asked)
    assert done.returncode == 2
    assert "holds no post that can be answered" in done.stderr
    assert "missing_post_id" in done.stdout


def test_mistakes(command, trained, dump, tmp_path):
    source, output = ("--source", dump), ("--output", tmp_path / "out.csv")
    mistakes = {
        (*source,): "--source needs --output, the file to write",
        (*source, *output, "--image", "a.jpg"): "--image is for one post; leave it out with --source.",
        (*source, *output, "--explain"): "--explain is for one post",
        ("--user-id", "user3", *output): "--output is for whole dumps; give --source",
        ("--user-id", "user3", "--number-rows"): "--number-rows is for whole dumps",
        (*source, *output, "--processes", "0"): "--processes 0: give at least 1.",
        ("--user-id", "user3", "--executor", "ray"): "--executor is for whole dumps",
        (*source, *output, "--executor", "slurm"): "executor 'slurm' is unknown; accepted: local, ray, or the address",
        (*source, "--output", tmp_path / "out.xlsx"): "the ending '.xlsx' names no format",
        (*source, *output, "--format", "cvs"): "'cvs'",
        ("--source", tmp_path / "no", *output): "There is no file or folder",
    }
    for arguments, message in mistakes.items():
        done = command("recommend", "--run", trained, *arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert message in done.stderr
    assert list(tmp_path.iterdir()) == []
