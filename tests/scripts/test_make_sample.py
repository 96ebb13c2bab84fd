"""The command `make_sample.py`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    command = [sys.executable, "scripts/make_sample.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_it_writes_a_sample_and_names_the_next_command(tmp_path):
    output = tmp_path / "data" / "sample"
    done = run("--output", str(output), "--posts", "20", "--users", "4", "--seed", "1", "--image-size-px", "32")
    assert done.returncode == 0, done.stderr
    assert f"{output}: 20 posts by 4 users" in done.stdout
    next_command = f"next: python scripts/prepare.py --source {output} --output {tmp_path / 'data' / 'prepared'}"
    assert done.stdout.splitlines()[-1] == next_command
    assert len(list(output.iterdir())) == 4


def test_a_mistake_is_told_without_a_traceback(tmp_path):
    done = run("--output", str(tmp_path / "sample"), "--posts", "3", "--users", "4")
    assert done.returncode == 2
    assert done.stderr == "error: posts=3, users=4: every user posts at least once; give at least 4 posts\n"


def test_help_shows_an_example():
    done = run("--help")
    assert done.returncode == 0
    assert "python scripts/make_sample.py --output data/sample" in done.stdout
