"""Hyper-parameters chosen on the validation split, resumed where they were stopped."""

from __future__ import annotations

import json
import math
from types import MappingProxyType

import pandas as pd
import pytest

from data_loaders.errors import UserError
from data_loaders.locking import FolderInUseError
from multimodal.commands.main import main
from multimodal.config import Choice, Range
from multimodal.experiments.benchmark import searching
from multimodal.experiments.benchmark.entries import choose_entries, parse_entry
from multimodal.experiments.benchmark.running import run_benchmark
from multimodal.experiments.benchmark.searching import read_trials, search, trials_table
from multimodal.storage.run_folder import RunFolder, read_json

pytest.importorskip("optuna")
ENTRY = parse_entry("habit=user_habit")


@pytest.fixture
def scores(monkeypatch):
    """Every trial is scored by a formula in place of a training; what was tried is kept."""
    tried = []

    def score(config, data, folder):
        tried.append((config.recency.epsilon_days, config.recency.history_posts))
        return 0.5 - abs(math.log10(tried[-1][0]) + 2) / 10 + (tried[-1][1] == 500) / 20

    monkeypatch.setattr(searching, "_score", score)
    return tried


def test_the_first_trial_is_as_configured_and_the_best_is_kept(scores, tiny_data, tmp_path):
    found = search(ENTRY, tiny_data, tmp_path, 12, 0)
    assert scores[0] == (0.04, 2_000)
    assert len(scores) == len(found.trials) == 12
    assert len(set(scores)) == 12
    best = found.trials["f1"].idxmax()
    assert found.entry.name == "habit"
    assert found.trials["overrides"][0] == "as configured"
    assert " ".join(found.entry.overrides) == found.trials["overrides"][best]
    chosen = dict(override.split("=") for override in found.entry.overrides)
    assert (float(chosen["recency.epsilon_days"]), int(chosen["recency.history_posts"])) == scores[best]


def test_stopped_and_resumed_equals_unbroken(scores, tiny_data, tmp_path, monkeypatch):
    whole = search(ENTRY, tiny_data, tmp_path / "whole", 10, 3)
    straight, score = list(scores), searching._score

    def stopped(config, data, folder):
        if len(scores) == 14:
            raise KeyboardInterrupt
        return score(config, data, folder)

    monkeypatch.setattr(searching, "_score", stopped)
    with pytest.raises(KeyboardInterrupt):
        search(ENTRY, tiny_data, tmp_path / "broken", 10, 3)
    monkeypatch.setattr(searching, "_score", score)
    resumed = search(ENTRY, tiny_data, tmp_path / "broken", 10, 3)
    assert scores[10:] == straight
    assert resumed.entry == whole.entry
    pd.testing.assert_frame_equal(resumed.trials.drop(columns="seconds"), whole.trials.drop(columns="seconds"))


def test_more_trials_go_on_and_as_many_are_read(scores, tiny_data, tmp_path):
    search(ENTRY, tiny_data, tmp_path, 3, 0)
    assert len(search(ENTRY, tiny_data, tmp_path, 5, 0).trials) == len(scores) == 5
    assert len(search(ENTRY, tiny_data, tmp_path, 3, 0).trials) == 3
    assert len(scores) == 5


def test_another_search_in_the_folder_is_refused(scores, tiny_data, other_tiny_data, tmp_path):
    search(ENTRY, tiny_data, tmp_path, 2, 0)
    for entry, data, seed in (
        (parse_entry("habit=user_habit recency.decays=[1]"), tiny_data, 0),
        (ENTRY, other_tiny_data, 0),
        (ENTRY, tiny_data, 1),
    ):
        with pytest.raises(UserError, match="holds a search of another configuration, search space or data"):
            search(entry, data, tmp_path, 2, seed)


def test_what_differs_and_what_to_do_is_told(scores, tiny_data, other_tiny_data, tmp_path):
    search(ENTRY, tiny_data, tmp_path, 2, 0)
    changed = parse_entry("habit=user_habit recency.epsilon_days=1")
    with pytest.raises(UserError) as refused:
        search(changed, other_tiny_data, tmp_path, 2, 0)
    assert "(config: recency, space: recency.epsilon_days, data)" in str(refused.value)
    assert "Give --renew habit to search this row anew, which deletes that search" in str(refused.value)


def test_another_search_is_renewed_where_that_is_asked_and_the_same_one_is_kept(scores, tiny_data, tmp_path):
    search(ENTRY, tiny_data, tmp_path, 3, 0)
    assert len(search(ENTRY, tiny_data, tmp_path, 3, 0, renew=True).trials) == 3
    assert len(scores) == 3
    changed = parse_entry("habit=user_habit recency.decays=[1]")
    renewed = search(changed, tiny_data, tmp_path, 2, 0, renew=True)
    assert len(renewed.trials) == 2
    assert len(scores) == 5
    assert search(changed, tiny_data, tmp_path, 2, 0).trials["f1"].tolist() == renewed.trials["f1"].tolist()
    assert len(scores) == 5


def test_keys_that_the_row_sets_are_not_searched(scores, tiny_data, tmp_path):
    search(parse_entry("habit=user_habit recency.history_posts=7"), tiny_data, tmp_path, 4, 0)
    assert {posts for _, posts in scores} == {7}
    search(parse_entry("habit=user_habit recency={history_posts: 9}"), tiny_data, tmp_path / "whole", 4, 0)
    assert {posts for _, posts in scores[4:]} == {9}
    assert len(set(scores[4:])) == 4


def test_a_hybrid_does_not_learn_from_the_posts_that_judge_its_trials(tiny_data, tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(searching, "_score", lambda config, *_: tried.append(config.rows.validation) or 0.5)
    found = search(parse_entry("all=hybrid"), tiny_data, tmp_path, 2, 0)
    assert tried == [False, False]
    assert "rows" not in " ".join(found.entry.overrides)


def test_two_searches_in_one_folder(scores, tiny_data, tmp_path, monkeypatch):
    folder, score = tmp_path / "habit", searching._score

    def meanwhile(*arguments):
        with pytest.raises(FolderInUseError, match=r"habit is in use: process .* been searching in it since"):
            search(ENTRY, tiny_data, folder, 2, 0)
        return score(*arguments)

    monkeypatch.setattr(searching, "_score", meanwhile)
    found = search(ENTRY, tiny_data, folder, 2, 0)
    assert found.trials["problem"].tolist() == ["", ""]
    assert len(scores) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["habit"]


def test_nothing_to_choose_is_no_search(tiny_data, tmp_path):
    (entry,) = choose_entries("popularity")
    assert search(entry, tiny_data, tmp_path, 5, 0).entry == entry
    assert search(ENTRY, tiny_data, tmp_path, 0, 0).entry == ENTRY
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [UserError("no weights"), TypeError("a slip")])
def test_a_trial_that_fails_counts_and_all_failing_is_told(tiny_data, tmp_path, monkeypatch, error):
    made = iter([0.2, error, 0.1])

    def score(*_):
        result = next(made)
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(searching, "_score", score)
    found = search(ENTRY, tiny_data, tmp_path / "a", 3, 0)
    assert found.entry.overrides == ()
    assert found.trials["problem"].tolist()[::2] == ["", ""]
    assert str(error) in found.trials["problem"][1]
    made = iter([error, error])
    with pytest.raises(UserError, match=f"all 2 trials failed; the last: .*{error}"):
        search(ENTRY, tiny_data, tmp_path / "b" / "habit", 2, 0)
    failed = read_trials(tmp_path / "b", [ENTRY])
    assert failed["f1"].isna().all()
    assert trials_table(failed).cells == [["habit", "all failed", "2", "–", "–"]]


def test_what_failed_is_made_again_with_what_was_drawn(scores, tiny_data, tmp_path, monkeypatch):
    whole = search(ENTRY, tiny_data, tmp_path / "whole", 6, 0)
    straight, score = list(scores), searching._score

    def failing(*arguments):
        result = score(*arguments)
        if len(scores) in (7, 10):
            raise OSError("no space left on the device")
        return result

    monkeypatch.setattr(searching, "_score", failing)
    failed = search(ENTRY, tiny_data, tmp_path / "failed", 6, 0).trials
    assert scores[6:] == straight
    assert ["no space" in problem for problem in failed["problem"]] == [True, False, False, True, False, False]
    (line,) = trials_table(failed).cells
    assert (line[2], line[3]) == ("6, 2 failed", "–")
    monkeypatch.setattr(searching, "_score", score)
    again = search(ENTRY, tiny_data, tmp_path / "failed", 6, 0)
    assert scores[12:] == [straight[0], straight[3]]
    assert again.entry == whole.entry
    pd.testing.assert_frame_equal(again.trials.drop(columns="seconds"), whole.trials.drop(columns="seconds"))


def test_a_search_that_failed_at_once_is_not_in_the_way_of_a_corrected_configuration(tiny_data, tmp_path, monkeypatch):
    folder = tmp_path / "bert"
    wrong = parse_entry("bert=bert encoder.pretrained=nowhere")
    monkeypatch.setattr(searching, "_score", fail)
    with pytest.raises(UserError, match=r"all 2 trials failed; the last: encoder\.pretrained='nowhere'"):
        search(wrong, tiny_data, folder, 2, 0)
    monkeypatch.setattr(searching, "_score", lambda *_: 0.3)
    corrected = parse_entry("bert=bert encoder.random_init=true")
    assert search(corrected, tiny_data, folder, 2, 0).trials["f1"].tolist() == [0.3, 0.3]
    with pytest.raises(UserError, match="holds a search of another configuration"):
        search(wrong, tiny_data, folder, 2, 0)


def fail(config, *_):
    raise UserError(f"encoder.pretrained={config.encoder.pretrained!r}: not in the local cache")


def test_a_trial_that_failed_is_not_gone_on_with_in_the_run_of_another(tiny_data, tmp_path, monkeypatch):
    """A stop leaves a run of the last trial alone."""
    seen, outcomes = [], iter([0.2, OSError("disk"), KeyboardInterrupt(), 0.3, 0.1])

    def score(config, data, folder):
        seen.append(sorted(path.name for path in folder.iterdir()) if folder.is_dir() else None)
        folder.mkdir(exist_ok=True)
        (folder / str(config.recency.epsilon_days)).touch()
        result = next(outcomes)
        if isinstance(result, BaseException):
            raise result
        return result

    monkeypatch.setattr(searching, "_score", score)
    with pytest.raises(KeyboardInterrupt):
        search(ENTRY, tiny_data, tmp_path, 3, 0)
    found = search(ENTRY, tiny_data, tmp_path, 3, 0)
    assert seen == [None] * 5
    assert found.trials["f1"].tolist() == [0.2, 0.3, 0.1]


def test_what_is_drawn_twice_is_trained_once(tiny_data, tmp_path, monkeypatch):
    space = MappingProxyType({"recency.history_posts": Choice((3, 4))})
    tried = []
    monkeypatch.setattr(
        searching, "_score", lambda config, *_: tried.append(config.recency.history_posts) or 1 / tried[-1]
    )
    from multimodal.baselines.user_habit import UserHabitConfig

    monkeypatch.setattr(UserHabitConfig, "search_space", space)
    found = search(ENTRY, tiny_data, tmp_path, 9, 0).trials
    assert sorted(tried) == [3, 4, 2_000]
    assert len(found) == 9
    assert found["problem"].tolist() == [""] * 9
    values = dict(zip(found["overrides"], found["f1"], strict=True))
    assert values["recency.history_posts=3"] == 1 / 3
    assert found["f1"].tolist() == [values[overrides] for overrides in found["overrides"]]


def test_drawn_values_lie_in_their_ranges(tiny_data, tmp_path, monkeypatch):
    space = MappingProxyType({"recency.epsilon_days": Range(0.5, 2.0), "recency.history_posts": Choice((3, 4))})
    monkeypatch.setattr(searching, "_score", lambda config, *_: -config.recency.epsilon_days)
    from multimodal.baselines.user_habit import UserHabitConfig

    monkeypatch.setattr(UserHabitConfig, "search_space", space)
    found = search(ENTRY, tiny_data, tmp_path, 15, 1).trials["overrides"][1:]
    for overrides in found:
        values = dict(part.split("=") for part in overrides.split())
        assert 0.5 <= float(values["recency.epsilon_days"]) <= 2.0
        assert values["recency.history_posts"] in ("3", "4")


class TestInABenchmark:
    def test_a_stale_search_costs_its_row_is_named_and_is_renewed(
        self, scores, tiny_data, tmp_path, monkeypatch, capsys
    ):
        monkeypatch.setattr("data_loaders.prepared.PreparedData.open", lambda *_: tiny_data)
        command = ["benchmark", "--data", "x", "--systems", "popularity,user_habit", "--output", str(tmp_path)]
        command += ["--k", "5", "--trials", "2"]
        changed = [*command, "--set", "user_habit:recency.decays=[1]"]
        assert main(command) == 0
        capsys.readouterr()
        assert main(changed) == 1
        shown = " ".join(capsys.readouterr().out.split())
        assert "Left out: user_habit:" in shown
        assert "Give --renew user_habit to search this row anew" in shown
        assert main([*changed, "--json"]) == 1
        document = json.loads(capsys.readouterr().out)
        assert list(document["left_out"]) == ["user_habit"]
        assert document["trials"] == []
        assert main([*changed, "--renew", "user_habit", "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["left_out"] == {}
        assert [line["system"] for line in document["trials"]] == ["user_habit"] * 2
        assert {line["system"] for line in document["table"]} == {"popularity", "user_habit"}

    def test_the_row_is_trained_with_what_was_chosen(self, tiny_data, tmp_path):
        entries = choose_entries("popularity,user_habit")
        rows, failures = run_benchmark(entries, tiny_data, tmp_path, [5], trials=3)
        assert not failures
        trials = read_trials(tmp_path / "search", entries)
        assert trials["system"].tolist() == ["user_habit"] * 3
        best = trials["f1"].idxmax()
        written = read_json(RunFolder(rows[1].folder).evaluation("validation") / "metrics.json", "metrics")["table"]
        at_5 = next(line["f1"] for line in written if line["k"] == 5)
        assert at_5 == pytest.approx(trials["f1"][best])
        (line,) = trials_table(trials).cells
        assert [line[0], line[2]] == ["user_habit", "3"]
        assert float(line[4]) == pytest.approx(trials["f1"].max(), abs=5e-4)
        assert not (tmp_path / "search" / "user_habit" / "run").exists()
        again, _ = run_benchmark(entries, tiny_data, tmp_path, [5], trials=3)
        assert again == rows

    def test_more_trials_that_choose_otherwise_make_the_row_anew(self, tiny_data, tmp_path, monkeypatch):
        values = iter([0.1, 0.9])
        monkeypatch.setattr(searching, "_score", lambda *_: next(values))
        entries = choose_entries("user_habit")
        (first,), _ = run_benchmark(entries, tiny_data, tmp_path, [5], trials=1)
        (second,), failures = run_benchmark(entries, tiny_data, tmp_path, [5], trials=2)
        assert not failures
        assert first.entry.overrides == ()
        assert len(second.entry.overrides) == 2
        model = json.loads((second.folder / "model" / "model.json").read_text(encoding="utf-8"))
        key, _, value = second.entry.overrides[0].partition("=")
        assert model["config"]["recency"][key.removeprefix("recency.")] == json.loads(value)
