"""The command `make-sample`."""

from __future__ import annotations

import json


def test_it_writes_a_sample_and_names_the_next_command(process, tmp_path):
    output = tmp_path / "data" / "sample"
    done = process(
        "make-sample", "--output", output, "--posts", "20", "--users", "4", "--seed", "1", "--image-size-px", "32"
    )
    assert done.returncode == 0, done.stderr
    assert f"{output}: 20 posts by 4 users" in done.stdout
    next_command = f"next: multimodal-hashtags prepare --source {output} --output {tmp_path / 'data' / 'prepared'}"
    assert done.stdout.splitlines()[-1] == next_command
    assert len(list(output.iterdir())) == 4


def test_a_mistake_is_told_without_a_traceback(process, tmp_path):
    done = process("make-sample", "--output", tmp_path / "sample", "--posts", "3", "--users", "4")
    assert done.returncode == 2
    assert done.stderr == "error: posts=3, users=4: every user posts at least once; use at least 4 posts\n"


def test_the_script_shows_an_example(script, tmp_path):
    done = script("make_sample.py", "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "multimodal-hashtags make-sample --output data/sample" in done.stdout


def test_programs_get_the_counts(command, tmp_path):
    done = command("make-sample", "--output", tmp_path / "s", "--posts", "9", "--users", "3", "--json")
    assert json.loads(done.stdout)["posts"] == 9
