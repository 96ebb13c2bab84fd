"""The command `prepare`."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from PIL import Image

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def dump(tmp_path):
    path = tmp_path / "posts.jsonl"
    lines = [
        {"key": f"p{n}", "user_id": f"user{n % 3}", "timestamp": (START + timedelta(hours=n)).isoformat(),
         "text": f"walk {n} #sea #sky"}
        for n in range(30)
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, [*lines, {"text": "no id"}])), encoding="utf-8")
    return path


def test_it_prepares_and_names_the_next_command(dump, tmp_path, process):
    output = tmp_path / "data" / "prepared"
    done = process(
        "prepare", "--source", dump, "--output", output, "--column", "post_id=key", "--column", "caption=text",
        "--fractions", "0.6", "0.2", "0.2", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{output}: 30 posts by 3 users, 2.0 hashtags per post" in done.stdout
    assert "split by time (chosen because 100 % of the posts have timestamps)" in done.stdout
    assert "vocabulary: 2 of 2 hashtags, those of at least 2 train posts" in done.stdout
    assert [line.split()[:2] for line in done.stdout.splitlines() if line.strip().startswith(("train", "valid", "test"))
            ] == [["train", "18"], ["validation", "6"], ["test", "6"]]  # fmt: skip
    assert "missing_post_id" in done.stdout
    assert done.stdout.splitlines()[-1] == (
        f"next: multimodal-hashtags train --config hybrid --data {output} --output runs/{output.name}"
    )
    assert "Reading posts" in done.stderr
    assert {path.name for path in output.iterdir()} >= {"posts.parquet", "vocabulary.json", "statistics.json"}


def test_where_most_posts_have_a_picture_the_next_command_looks_at_them(tmp_path, command):
    Image.new("RGB", (8, 8)).save(tmp_path / "sea.png")
    lines = [
        {"post_id": f"p{n}", "timestamp": (START + timedelta(hours=n)).isoformat(), "caption": f"walk {n}",
         "hashtags": ["sea", "sky"], **({"image": "sea.png"} if n % 3 else {})}
        for n in range(30)
    ]  # fmt: skip
    (tmp_path / "posts.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    done = command("prepare", "--source", tmp_path / "posts.jsonl", "--output", tmp_path / "prepared")
    assert done.stdout.splitlines()[-1].startswith("next: multimodal-hashtags train --config hybrid_sample --data ")


def test_a_closed_task_says_what_it_is(dump, tmp_path, command):
    lines = [{"timestamp": (START + timedelta(hours=n)).isoformat(), "text": f"walk {n} #sea" + " #sky" * (n % 3 == 0)}
             for n in range(30)] + [{"timestamp": START.isoformat(), "text": "nothing"}]  # fmt: skip
    dump.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    done = command(
        "prepare", "--source", dump, "--output", tmp_path / "prepared", "--number-rows", "--top-hashtags", "1",
        "--only-top-hashtags", "--plain-hashtags", "--fractions", "0.5", "0.3", "0.2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "vocabulary: 1 of 1 hashtags, the 1 most frequent of train (asked for)" in done.stdout
    assert "note: A closed, easier task: of 31 posts, only the 30 with one of the 1" in done.stdout
    assert "note: 31 records have no id" in done.stdout
    assert "these lost 10 other hashtags" in done.stdout
    assert ["no_top_hashtag", "refused", "1"] in [line.split() for line in done.stdout.splitlines()]


def test_mistakes_are_told_without_a_traceback(dump, tmp_path, command):
    for arguments, text in (
        (["--source", tmp_path / "none"], "error: There is no file or folder"),
        (["--source", dump, "--columns", "post_id"], "error: --columns 'post_id' is not a pair"),
        (["--source", dump, "--split", "tme"], "Did you mean 'time'?"),
        (
            ["--source", dump, "--only-top-hashtags"],
            "--only-top-hashtags needs the number of hashtags; add --top-hashtags",
        ),
        (
            ["--source", dump, "--columns", "post_id=key", "caption=user_id"],
            "has a hashtag, so there is nothing to learn",
        ),
    ):
        done = command("prepare", "--output", tmp_path / "prepared", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert text in done.stderr
        assert "Traceback" not in done.stderr


def test_help_shows_an_example(process):
    done = process("prepare", "--help")
    assert done.returncode == 0
    assert "multimodal-hashtags prepare --source data/sample --output data/prepared" in done.stdout


def test_programs_get_the_statistics(dump, tmp_path, command):
    output = tmp_path / "prepared"
    done = command(
        "prepare", "--source", dump, "--output", output, "--columns", "post_id=key", "caption=text", "--json",
    )  # fmt: skip
    written = json.loads((output / "statistics.json").read_text(encoding="utf-8"))
    assert json.loads(done.stdout) == {"folder": str(output), **written}
