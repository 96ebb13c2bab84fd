"""The commands `gate`, `ablation` and `benchmark`, which share small runs of DESIGN."""

from __future__ import annotations

import json
import random
import shutil

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def design(prepared, tmp_path_factory):
    """A run of the smallest DESIGN."""
    from multimodal.commands.main import main

    run = tmp_path_factory.mktemp("design") / "debug"
    words = ["--data", str(prepared), "--output", str(run), "training.epochs=1"]
    assert main(["train", "--config", "debug", *words]) == 0
    return run


def test_gate(command, design, prepared):
    shown = command("gate", "--run", design, "--data", prepared)
    assert shown.returncode == 0, shown.stderr
    assert "test split" in " ".join(shown.stdout.split())
    assert f"  {design / 'gate_test.csv'}" in shown.stdout
    assert (design / "gate_test.md").read_text(encoding="utf-8").startswith("# ")
    document = json.loads(command("gate", "--run", design, "--data", prepared, "--json").stdout)
    assert (document["run"], document["split"]) == (str(design), "test")
    assert sum(row["posts"] for row in document["table"]) == 12
    assert {"caption", "picture", "weight"} <= document["table"][0].keys()


def test_gate_of_a_run_without_one(command, trained, prepared):
    done = command("gate", "--run", trained, "--data", prepared)
    assert (done.returncode, done.stdout) == (2, "")


def test_benchmark_rows_are_found_by_name_from_anywhere(command, prepared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("benchmark", "--data", prepared, "--systems", "popularity", "--entry", "habit=configs/user_habit.yaml",
             "--output", "out", "--k", "3")  # fmt: skip
    done = command(*words, "--set", "popularity:sede=1", "--json")
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert [(row["system"], row["k"]) for row in document["table"]] == [("habit", 3)]
    assert "sede: unknown key" in document["left_out"]["popularity"]
    assert document["settings"]["command"].startswith(f"multimodal-hashtags benchmark --data {prepared} ")
    assert {f"out/benchmark.{end}" for end in ("csv", "md", "tex", "html")} <= set(document["written"])
    assert {"out/curves_precision_recall.png", "out/curves_hit_rate_f1.svg"} <= set(document["written"])
    shown = command(*words)
    assert "out/paired.csv" in shown.stdout


def test_ablation(command, prepared, tmp_path):
    words = ("ablation", "--config", "debug", "--data", prepared, "--output", tmp_path, "--variants", "full,sum",
             "--seeds", "0", "training.epochs=1")  # fmt: skip
    done = command(*words, "--json")
    assert done.returncode == 0, done.stderr
    assert [row["variant"] for row in json.loads(done.stdout)["table"]] == ["full", "sum"]
    assert f"written:\n  {tmp_path / 'ablation.csv'}" in command(*words).stdout


def test_ablation_refuses_seeds_that_are_not_numbers(command, prepared, tmp_path):
    done = command("ablation", "--data", prepared, "--output", tmp_path, "--seeds", "a")
    assert done.stderr == "error: --seeds 'a': give whole numbers separated by commas, for instance 0,1,2.\n"


@pytest.fixture(scope="module")
def pictured(tmp_path_factory):
    """A dump of 60 posts with pictures, prepared; then one picture goes and one is damaged in each split."""
    from data_loaders.prepare.prepare import prepare
    from data_loaders.prepare.settings import PrepareSettings

    dump = tmp_path_factory.mktemp("pictured") / "dump"
    dump.mkdir()
    draw = random.Random(0)
    with (dump / "posts.jsonl").open("w", encoding="utf-8") as file:
        for number in range(60):
            Image.frombytes("RGB", (8, 8), draw.randbytes(192)).resize((64, 64)).save(dump / f"{number}.png")
            record = {"post_id": f"p{number}", "user_id": f"u{number % 6}", "timestamp": 1_700_000_000 + number * 1_000}
            tags = f"walk {number} #{'abc'[number % 3]} #{'de'[number % 2]}"
            file.write(json.dumps({**record, "caption": tags, "image": f"{number}.png"}) + "\n")
    prepare(dump / "posts.jsonl", dump.parent / "prepared", PrepareSettings(near_duplicates=False))
    for number in (3, 49, 55):
        (dump / f"{number}.png").unlink()
        (dump / f"{number + 1}.png").write_bytes(b"damaged")
    return dump


def test_pictures_that_have_gone_stop_nothing(command, pictured, tmp_path, caplog):
    data = pictured.parent / "prepared"
    train = ("train", "--config", "debug", "--data", data, "--output", tmp_path / "run", "training.epochs=1")
    done = command(*train, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["facts"]["pictures that cannot be used"] == 4
    assert "warning: the pictures of 4 posts cannot be used, which count as posts without a picture: " in caplog.text
    moved = shutil.move(pictured, tmp_path / "moved")
    evaluate = ("evaluate", "--run", tmp_path / "run", "--data", data, "--k", "1", "--no-slices")
    for further, count in (((), 12), (("--images", moved), 4)):
        done = command(*evaluate, *further)
        assert done.returncode == 0, done.stderr
        assert f"{count} posts have a picture that cannot be used; they counted as posts without one" in done.stdout
        metrics = json.loads((tmp_path / "run" / "evaluation" / "test" / "metrics.json").read_text())
        assert metrics["settings"]["pictures_left_out"] == count
