import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "validate.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_a_dump_is_described(tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text('{"post_id": "1", "body": "x #a"}\n{')
    done = run("--source", path, "--columns", "caption=body")
    assert done.returncode == 0, done.stderr
    assert f"{path}: json_lines\n1 posts by 0 users, 1 records refused" in done.stdout
    assert "malformed_json: 1 (mend the line or file, or download it again)\n    posts.jsonl:2: " in done.stdout


def test_mistakes_are_told_without_a_traceback(tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text("{")
    for arguments, text in (
        (["--source", tmp_path / "nothing"], "error: There is no file or folder"),
        (["--source", path, "--columns", "caption"], "error: --columns 'caption' is no pair. Accepted: FIELD=COLUMN"),
        (["--source", path], "holds no usable post"),
    ):
        done = run(*arguments)
        assert done.returncode == 2
        assert text in done.stderr
        assert "Traceback" not in done.stderr


def test_the_template_is_printed():
    done = run("--template", "jsonl")
    assert done.returncode == 0
    assert json.loads(done.stdout)["post_id"] == "1001"
