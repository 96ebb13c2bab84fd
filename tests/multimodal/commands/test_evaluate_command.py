"""The command `evaluate`."""

from __future__ import annotations

import json

import pandas as pd


def test_it_prints_the_table_the_best_k_and_the_files(process, trained, prepared):
    done = process("evaluate", "--run", trained, "--data", prepared, "--k", "1-4")
    assert done.returncode == 0, done.stderr
    folder = trained / "evaluation" / "test"
    table = pd.read_csv(folder / "metrics.csv")
    assert table["k"].tolist() == [1, 2, 3, 4]
    best = table.loc[table["f1"].idxmax()]
    assert f"best K by F1: {int(best['k'])} (F1 {best['f1']:.4f})" in done.stdout
    assert f"user_habit on the test split of {prepared}, history rolling" in done.stdout
    for name in ("metrics.csv", "metrics.json", "predictions.parquet"):
        assert f"  {folder / name}" in done.stdout
    assert done.stdout.splitlines()[-1].startswith(f"next: multimodal-hashtags recommend --run {trained} ")


def test_history_may_be_frozen(command, trained, prepared):
    done = command(
        "evaluate",
        "--run",
        trained,
        "--data",
        prepared,
        "--history",
        "frozen",
        "--split",
        "validation",
        "--device",
        "cpu",
    )
    assert done.returncode == 0, done.stderr
    assert "history frozen" in done.stdout
    assert (trained / "evaluation" / "validation-frozen" / "metrics.csv").is_file()


def test_mistakes(command, trained, prepared, tmp_path):
    here = ("--run", trained, "--data", prepared)
    mistakes = {
        (*here, "--k", "0"): "a list has at least 1 hashtag",
        (*here, "--k", "five"): "k: 'five' in 'five' cannot be read",
        (*here, "--split", "tset"): "unknown split 'tset'. Did you mean 'test'?",
        (*here, "--history", "none"): "unknown protocol 'none'",
        (*here, "--device", "cuda:99"): "device: 'cuda:99' cannot be used",
        ("--run", tmp_path / "no", "--data", prepared): "does not exist. Train a model: multimodal-hashtags train",
        ("--run", tmp_path, "--data", prepared): "has no model",
    }
    for arguments, message in mistakes.items():
        done = command("evaluate", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr


def test_help_shows_examples(command):
    assert "multimodal-hashtags evaluate --run runs/sample" in command("evaluate", "--help").stdout


def test_a_report_is_written(command, trained, prepared):
    done = command("evaluate", "--run", trained, "--data", prepared, "--k", "1-3", "--report")
    assert done.returncode == 0, done.stderr
    folder = trained / "evaluation" / "test"
    assert f"  {folder / 'report.html'}" in done.stdout
    assert "<title>user_habit on prepared, test split</title>" in (folder / "report.html").read_text(encoding="utf-8")
    assert (folder / "table.tex").is_file()


def test_programs_get_what_is_written(process, trained, prepared):
    done = process("evaluate", "--run", trained, "--data", prepared, "--k", "1-3", "--no-slices", "--json")
    folder = trained / "evaluation" / "test"
    written = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert json.loads(done.stdout) == {"folder": str(folder), **written}
