"""The command `compare`."""

from __future__ import annotations

import json

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def evaluated(prepared, tmp_path_factory):
    """Two runs on the tiny dump, evaluated on the test split."""
    from data_loaders.prepared import PreparedData
    from multimodal.evaluation.pipeline import evaluate_run
    from multimodal.systems.config_loading import validate_config
    from multimodal.training.run import train_run

    folder, data = tmp_path_factory.mktemp("compared"), PreparedData.open(prepared)
    for name in ("popularity", "user_habit"):
        train_run(validate_config({"system": name}), data, folder / name)
        evaluate_run(folder / name, data, ks=range(1, 6))
    return [folder / "popularity", folder / "user_habit"]


def test_it_prints_the_comparison_and_writes_it(process, evaluated, tmp_path):
    done = process("compare", *evaluated, "--k", "2,5", "--slices", "history", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "Compared with popularity" in done.stdout
    assert "12 posts; 1,000 bootstrap samples and 10,000 random swaps of posts; Holm over 2 comparisons" in done.stdout
    assert "Earlier posts of the user: F1@5 of user_habit – popularity" in done.stdout
    for name in ("comparison.csv", "comparison.tex", "comparison_slices.md"):
        assert f"  {tmp_path / 'out' / name}" in done.stdout
        assert (tmp_path / "out" / name).is_file()


def test_groups_against_and_units(command, evaluated):
    popularity, habit = evaluated
    few = ("--resamples", 50, "--permutations", 50, "--column", "f1,recall", "--unit", "users")
    done = command("compare", "--group", f"ours={habit}", "--group", f"theirs={popularity}", *few)
    assert done.returncode == 0, done.stderr
    assert "Compared with ours" in done.stdout
    done = command("compare", popularity, habit, "--against", habit, "--separate", *few)
    assert "Compared with user_habit" in done.stdout


def test_mistakes(command, evaluated, tmp_path):
    popularity, habit = evaluated
    mistakes = {
        (): "no run to compare: give run folders",
        (habit,): "1 system to compare (user_habit); give at least two",
        (habit, tmp_path / "no"): "does not exist",
        (habit, popularity, "--split", "validation"): "has no evaluation 'validation' (it has test)",
        (habit, popularity, "--k", "6"): "k: 6 is above the largest K",
        (habit, popularity, "--column", "recal"): "metric 'recal' has no value per post here. Did you mean 'recall'?",
        (habit, popularity, "--unit", "days"): "unit: 'days' cannot be resampled",
        (habit, popularity, "--slices", "captions"): "slices: unknown 'captions'",
        (habit, "--group", "x"): "--group 'x' is not of the form name=RUN1,RUN2",
        (habit, "--group", f"user_habit={popularity}"): "the name 'user_habit' is already that of another run",
        (habit, popularity, "--against", "third"): "against: 'third' is not one of the systems",
        (habit, popularity, "--permutations", "0"): "permutations: 0 is too few",
    }
    for arguments, message in mistakes.items():
        done = command("compare", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr


def test_help_shows_examples(command):
    assert (
        "multimodal-hashtags compare runs/sum runs/weighted --slices caption_length"
        in command("compare", "--help").stdout
    )


def test_programs_get_what_is_written(command, evaluated, tmp_path):
    done = command("compare", *evaluated, "--k", "2", "--slices", "history", "--output", tmp_path, "--json")
    document = json.loads(done.stdout)
    ends = (".csv", ".md", ".tex", ".json", "_slices.csv", "_slices.md", ".html")
    pictures = [f"curves_{name}.{kind}" for name in ("precision_recall", "hit_rate_f1") for kind in ("png", "svg")]
    assert sorted(document.pop("written")) == sorted(
        str(tmp_path / name) for name in (*(f"comparison{end}" for end in ends), "tables.md", "tables.tex", *pictures)
    )
    assert {str(path) for path in tmp_path.iterdir()} == set(json.loads(done.stdout)["written"])
    assert len(document.pop("slices")) == len(pd.read_csv(tmp_path / "comparison_slices.csv"))
    assert document == json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))


def test_a_sweep_is_tested_at_one_k_and_banded_elsewhere(command, evaluated, tmp_path):
    done = command("compare", *evaluated, "--k", "1-4", "--output", tmp_path)
    assert "Holm over 1 comparison" in done.stdout
    assert "F1 at K" in done.stdout
    table = pd.read_csv(tmp_path / "comparison.csv")
    assert table["p_holm"].notna().tolist() == [False] * 7 + [True]
    assert table["band_low"].notna().sum() == 4
    assert "Holm over 4 comparisons" in command("compare", *evaluated, "--k", "1-4", "--test-k", "1-4").stdout
    done = command("compare", *evaluated, "--k", "1-4", "--test-k", "5")
    assert "--test-k: 5 is not among the Ks of --k 1-4" in done.stderr


def test_files_of_an_older_comparison_go(command, evaluated, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    command("compare", *evaluated, "--k", "2", "--slices", "history", "--column", "f1,mrr", "--output", tmp_path)
    assert (tmp_path / "curves_mrr.svg").is_file()
    command("compare", *evaluated, "--k", "2", "--output", tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert not names & {"curves_mrr.svg", "curves_mrr.png", "comparison_slices.csv", "comparison_slices.md"}
    assert "notes.txt" in names
