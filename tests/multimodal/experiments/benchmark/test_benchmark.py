"""The benchmark: which rows there are, runs that are kept, rows that fail, figures against scikit-learn."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console
from sklearn.metrics import f1_score

from data_loaders.errors import UserError
from multimodal.baselines.user_habit import UserHabit
from multimodal.commands.main import main
from multimodal.evaluation.comparison.comparison import Protocol, compare_runs
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.experiments.benchmark.entries import (
    Entry,
    choose_entries,
    choose_rows,
    parse_entry,
    parse_settings,
)
from multimodal.experiments.benchmark.paired import paired_tables, paired_tests
from multimodal.experiments.benchmark.report import (
    curves_of,
    narrow_at_k_table,
    paper_tables,
    saved_runs_of,
    write_report,
)
from multimodal.experiments.benchmark.running import MEASURED_FILE, run_benchmark
from multimodal.experiments.benchmark.table import ScoredLabels, benchmark_table
from multimodal.ranking.rankings import Rankings
from multimodal.storage.configurations import find_config
from multimodal.systems.config_loading import load_config
from multimodal.systems.registry import list_systems

ROOT = Path(__file__).resolve().parents[4]
CONFIGS = ROOT / "configs"
KS = [3, 5]


class TestEntries:
    def test_design_and_its_peers_read_posts_with_the_same_encoders(self):
        configs = [load_config(entry.config) for entry in choose_entries("design,coa,macon,amnn,tagnet")]
        assert [config.system for config in configs] == ["design", "coa", "macon", "amnn", "tagnet"]
        for key in ("encoder", "width", "training"):
            assert all(getattr(config, key) == getattr(configs[0], key) for config in configs)

    def test_all_systems_have_a_configuration(self):
        entries = choose_entries("all")
        # Those that ask other machines are compared only where they are named.
        assert [entry.name for entry in entries] == [name for name in list_systems() if name != "language_model"]
        assert [entry.name for entry in choose_entries("language_model")] == ["language_model"]
        assert all(find_config(entry.config).is_file() for entry in entries)

    def test_settings_come_after_overrides_and_belong_to_one_row(self):
        own = parse_entry("wide=configs/sample.yaml width=256")
        entries = choose_entries("lstm", [own], parse_settings(["lstm:a=1 b=2", "lstm:c=3"]), ["seed=1"])
        assert entries == [
            Entry("lstm", Path("lstm"), ("seed=1", "a=1", "b=2", "c=3")),
            Entry("wide", Path("configs/sample.yaml"), ("seed=1", "width=256")),
        ]

    def test_values_may_have_spaces_inside_brackets_and_quotation_marks(self):
        entry = parse_entry("mixed=sample history.likeness={words: 0.6, caption: 0.4} width=256")
        assert entry.overrides == ("history.likeness={words: 0.6, caption: 0.4}", "width=256")
        assert load_config(entry.config, entry.overrides[1:]).width == 256
        assert parse_settings(['zero_shot:prompt="a photo of {}" seed=1', "x:a=[1, 2]"]) == {
            "zero_shot": ('prompt="a photo of {}"', "seed=1"),
            "x": ("a=[1, 2]",),
        }

    @pytest.mark.parametrize("text", ["", "wide", "wide=", "a b=x.yaml", "wide=x.yaml width"])
    def test_what_is_no_entry(self, text):
        with pytest.raises(UserError, match="is not of the form NAME="):
            parse_entry(text)

    @pytest.mark.parametrize("text", ["", "lstm", "lstm:", ":a=1", "lstm:a"])
    def test_what_is_no_setting(self, text):
        with pytest.raises(UserError, match="is not of the form NAME:key=value"):
            parse_settings([text])

    def test_refusals(self):
        with pytest.raises(UserError, match=r"system 'lstn' is unknown. Did you mean 'lstm'\? Known: "):
            choose_entries("lstn")
        with pytest.raises(UserError, match="the name 'lstm' is given twice"):
            choose_entries("lstm", [Entry("lstm", Path("x.yaml"))])
        with pytest.raises(UserError, match=r"--set bert: there is no such row\. Rows: lstm"):
            choose_entries("lstm", settings={"bert": ("a=1",)})
        with pytest.raises(UserError, match="there is nothing to compare"):
            choose_entries("")

    def test_which_rows_are_renewed(self):
        entries = choose_entries("lstm,popularity")
        assert choose_rows("--renew", "", entries) == set()
        assert choose_rows("--renew", " popularity", entries) == {"popularity"}
        assert choose_rows("--renew", "all", entries) == {"lstm", "popularity"}
        with pytest.raises(UserError, match=r"--renew lstn: there is no such row\. Did you mean 'lstm'\? Rows: lstm"):
            choose_rows("--renew", "lstn", entries)


class TestLabels:
    @pytest.fixture
    def scored(self):
        draw = np.random.default_rng(0)
        names, posts, labels = [f"t{number}" for number in range(6)], 40, 6
        scores = np.round(draw.random((posts, labels)), 1)
        truth = draw.random((posts, labels)) < 0.3
        truth[3] = False
        order = np.argsort(-scores, axis=1, kind="stable")
        rankings = Rankings([str(row) for row in range(posts)], order, np.take_along_axis(scores, order, 1), names)
        hashtags = [
            [*np.array(names)[row], *(["beyond"] if number % 7 == 0 else [])] for number, row in enumerate(truth)
        ]
        return ScoredLabels.of(rankings, hashtags), scores, truth, hashtags

    def test_f1_is_that_of_scikit_learn(self, scored):
        labels, scores, truth, hashtags = scored
        judged = [row for row, own in enumerate(hashtags) if own]
        beyond = np.array([["beyond" in own] for own in hashtags])
        right = np.hstack([truth, beyond])[judged]
        for threshold in (0.0, 0.3, 0.65, 2.0):
            named = np.hstack([scores >= threshold, np.zeros_like(beyond)])[judged]
            micro, macro = labels.f1(threshold)
            assert micro == pytest.approx(f1_score(right, named, average="micro", zero_division=0))
            assert macro == pytest.approx(f1_score(right, named, average="macro", zero_division=0))

    def test_the_best_threshold_is_the_best_of_all(self, scored):
        labels = scored[0]
        best = labels.best_threshold()
        assert labels.f1(best)[0] == max(labels.f1(threshold)[0] for threshold in np.unique(labels.scores))

    def test_nothing_named(self):
        empty = Rankings(["a"], np.full((1, 2), -1), np.full((1, 2), np.nan), [])
        labels = ScoredLabels.of(empty, [["x"]])
        assert labels.f1(labels.best_threshold()) == (0.0, 0.0)


@pytest.fixture(scope="module")
def done(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    broken = Entry("broken", CONFIGS / "debug.yaml", ("encoder.caption={name: transformer, pretrained: /nowhere}",))
    entries = [*choose_entries("popularity,user_habit"), broken]
    rows, failures = run_benchmark(entries, tiny_data, folder, KS)
    return folder, entries, rows, failures


def test_names_fit_a_terminal_of_80_columns(done, tiny_data):
    _, _, rows, _ = done
    table = benchmark_table(rows, tiny_data, KS)
    table["system"] = table["system"].replace({"popularity": "cnn_attention"})
    narrow = narrow_at_k_table(table, 3)
    console = Console(width=80, file=io.StringIO())
    for part in narrow.fitted(80):
        console.print(part.rich())
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if line.strip()][-2:] == ["cnn_attention", "user_habit"]


class TestRunning:
    def test_a_row_that_cannot_be_made_is_named_and_the_others_are_made(self, done):
        _, _, rows, failures = done
        assert [row.entry.name for row in rows] == ["popularity", "user_habit"]
        (failure,) = failures
        assert failure.entry.name == "broken"
        assert "encoder.caption.pretrained='/nowhere': there is no such folder" in failure.reason

    def test_a_row_whose_configuration_is_wrong_is_named_once(self, tiny_data, tmp_path, caplog):
        entries = choose_entries("user_habit", settings={"user_habit": ("recncy=3",)})
        _, (failure,) = run_benchmark(entries, tiny_data, tmp_path, KS)
        assert failure.reason.startswith("1 problem\n  - recncy: unknown key. Did you mean 'recency'?")
        assert "[1/1] user_habit: left out: 1 problem\n" in caplog.text

    def test_what_is_finished_is_kept(self, done, tiny_data):
        folder, entries, rows, _ = done
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
        again, _ = run_benchmark(entries[:2], tiny_data, folder, KS)
        assert again == rows
        assert {path: path.stat().st_mtime_ns for path in before} == before

    def test_another_configuration_is_not_taken_for_it(self, done, tiny_data):
        folder, entries, _, _ = done
        changed = Entry("user_habit", entries[1].config, ("recency.history_posts=7",))
        _, (failure,) = run_benchmark([changed], tiny_data, folder, KS)
        assert "contains a finished run of another configuration" in failure.reason
        assert "In a benchmark, --renew user_habit makes this row anew, which deletes that run." in failure.reason

    def test_another_configuration_or_other_data_is_made_anew_where_that_is_asked(
        self, tiny_data, other_tiny_data, tmp_path
    ):
        entries = choose_entries("popularity,user_habit", settings={"user_habit": ("recency.history_posts=7",)})
        run_benchmark(choose_entries("popularity,user_habit"), tiny_data, tmp_path, KS)
        kept = (tmp_path / "popularity" / "model" / "model.json").stat().st_mtime_ns
        rows, failures = run_benchmark(entries, tiny_data, tmp_path, KS, renewed={"popularity", "user_habit"})
        assert not failures
        assert load_config(tmp_path / "user_habit" / "config.yaml").recency.history_posts == 7
        assert (tmp_path / "popularity" / "model" / "model.json").stat().st_mtime_ns == kept
        assert run_benchmark(entries, tiny_data, tmp_path, KS)[0] == rows
        _, failures = run_benchmark(entries, other_tiny_data, tmp_path, KS, renewed=["user_habit"])
        assert [failure.entry.name for failure in failures] == ["popularity"]
        assert "contains a finished run on other data" in failures[0].reason

    def test_a_run_of_a_version_without_some_key_is_made_anew_once_where_that_is_asked(
        self, tiny_data, tmp_path, caplog
    ):
        entries = choose_entries("user_habit")
        run_benchmark(entries, tiny_data, tmp_path, KS)
        path = tmp_path / "user_habit" / "config.yaml"
        values = yaml.safe_load(path.read_text())
        del values["recency"]["history_posts"]
        path.write_text(yaml.safe_dump(values))
        run_benchmark(entries, tiny_data, tmp_path, KS)
        assert "which had no recency.history_posts" in caplog.text
        assert "history_posts" not in path.read_text()
        for _ in range(2):
            caplog.clear()
            run_benchmark(entries, tiny_data, tmp_path, KS, renewed=["user_habit"])
            assert "history_posts" in path.read_text()
            assert "which had no" not in caplog.text
        assert "made anew" not in caplog.text

    def test_an_interrupted_run_of_another_configuration_too(self, tiny_data, tmp_path, monkeypatch):
        entry = Entry("habit", Path("user_habit"))

        def stop(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(UserHabit, "fit", stop)
            with pytest.raises(KeyboardInterrupt):
                run_benchmark([entry], tiny_data, tmp_path, KS)
        (tmp_path / "habit" / "metrics.jsonl").write_text('{"event": "begun"}\n', encoding="utf-8")
        changed = Entry("habit", Path("user_habit"), ("recency.history_posts=7",))
        _, (failure,) = run_benchmark([changed], tiny_data, tmp_path, KS)
        assert "contains an interrupted run of another configuration" in failure.reason
        assert "--renew habit makes this row anew" in failure.reason
        (row,), failures = run_benchmark([changed], tiny_data, tmp_path, KS, renewed=["habit"])
        assert row.entry == changed
        assert not failures

    def test_what_a_training_took_before_it_was_stopped_counts_too(self, tiny_data, tmp_path, monkeypatch):
        def stop(*_):
            raise KeyboardInterrupt

        entries = choose_entries("user_habit")
        with monkeypatch.context() as patched:
            patched.setattr(UserHabit, "fit", stop)
            with pytest.raises(KeyboardInterrupt):
                run_benchmark(entries, tiny_data, tmp_path, KS)
        before = json.loads((tmp_path / "user_habit" / MEASURED_FILE).read_text(encoding="utf-8"))["training_s"]
        (row,), _ = run_benchmark(entries, tiny_data, tmp_path, KS)
        assert 0 < before < row.training_s


class TestTable:
    def test_figures_are_those_of_the_evaluations(self, done, tiny_data):
        folder, _, rows, _ = done
        table = benchmark_table(rows, tiny_data, KS).set_index(["system", "k"])
        for row in rows:
            metrics = json.loads((row.folder / "evaluation" / "test" / "metrics.json").read_text(encoding="utf-8"))
            for line in metrics["table"]:
                if line["k"] in KS:
                    own = table.loc[(row.entry.name, line["k"])]
                    for metric in METRICS.headline:
                        assert own[metric] == pytest.approx(line[metric])
                        assert own[f"{metric}_low"] <= own[metric] <= own[f"{metric}_high"]
            assert (table.loc[row.entry.name][["training_s", "size_bytes", "ms_per_post"]] > 0).all().all()
        assert not (folder / "broken" / "model").exists()

    def test_a_threshold_for_all(self, done, tiny_data):
        table = benchmark_table(done[2], tiny_data, KS, threshold=0.3)
        assert set(table["threshold"]) == {0.3}

    def test_written(self, done, tiny_data, tmp_path):
        _, _, rows, failures = done
        table = benchmark_table(rows, tiny_data, KS)
        settings = {"seed": 0, "unit": "posts", "threshold": None, "command": "multimodal-hashtags benchmark"}
        csv, text = write_report(tmp_path, table, settings, failures)
        pd.testing.assert_frame_equal(pd.read_csv(csv), table, check_dtype=False)
        written = text.read_text(encoding="utf-8")
        assert "| user_habit | " in written
        assert "Left out: broken: " in written
        assert "\n\nLabels above a threshold, and cost:\n\n| system | " in written
        assert "\n\n\n" not in written
        assert "trials" not in written

    def test_what_is_said_is_true_of_what_is_shown(self, done, tiny_data, tmp_path):
        _, _, rows, failures = done
        table, runs = benchmark_table(rows, tiny_data, KS), saved_runs_of(rows)
        settings = {"seed": 0, "unit": "posts", "threshold": None, "command": "c", "trials": 4}
        write_report(tmp_path, table, settings, failures, *curves_of(runs, "posts"))
        searched = "Hyper-parameters are the best of 4 trials by the validation split, where a System has any."
        latex = (tmp_path / "benchmark.tex").read_text(encoding="utf-8")
        assert searched in latex
        assert "The best is bold, the second underlined." in latex
        assert "bootstrap" not in latex
        for name in ("benchmark.md", "benchmark.html"):
            written = (tmp_path / name).read_text(encoding="utf-8")
            assert searched in written
            assert "In brackets 95 % bootstrap intervals over posts." in written


class TestPairedTests:
    @pytest.fixture(scope="class")
    def tested(self, done, tiny_data):
        runs = saved_runs_of(done[2])
        return runs, paired_tests(runs, benchmark_table(done[2], tiny_data, KS), 5)

    def test_against_the_best_and_the_habit_over_posts_and_users(self, tested):
        runs, tests = tested
        # The habit is the best of these two, so that it is one opponent.
        assert tests[["system", "against", "unit"]].to_numpy().tolist() == [
            ["popularity", "user_habit", "posts"],
            ["popularity", "user_habit", "users"],
        ]
        expected = compare_runs(runs, [5], Protocol(unit="users"), against="user_habit").table
        line = expected[expected["system"] == "popularity"].iloc[0]
        for column in ("difference", "difference_low", "difference_high", "p", "p_holm"):
            assert tests[column][1] == line[column]

    def test_two_opponents_where_another_is_best(self, tested, done, tiny_data):
        runs, _ = tested
        table = benchmark_table(done[2], tiny_data, KS)
        table.loc[table["system"] == "popularity", "f1"] = 1.0
        tests = paired_tests(runs, table, 5)
        assert set(tests["against"]) == {"popularity", "user_habit"}
        assert [one.title.split(" against ")[1].split(";")[0] for one in paired_tables(tests)] == [
            "popularity",
            "user_habit",
        ]

    def test_one_row_has_nobody_to_be_compared_with(self, tested, done, tiny_data):
        runs, _ = tested
        table = benchmark_table(done[2][:1], tiny_data, KS)
        assert paired_tests({"popularity": runs["popularity"]}, table, 5).empty
        assert paired_tables(paired_tests({"popularity": runs["popularity"]}, table, 5)) == []


def test_a_mistake_of_a_system_costs_its_row_alone(tiny_data, tmp_path, monkeypatch, caplog):
    def slip(*_):
        raise TypeError("a slip")

    monkeypatch.setattr(UserHabit, "fit", slip)
    rows, failures = run_benchmark(choose_entries("user_habit,popularity"), tiny_data, tmp_path, KS)
    assert [row.entry.name for row in rows] == ["popularity"]
    assert [(failure.entry.name, failure.reason) for failure in failures] == [("user_habit", "TypeError: a slip")]
    assert "Traceback" in caplog.text


def test_redundancy_new_hashtags_and_intervals_over_users_are_in_the_table(done, tiny_data):
    table = benchmark_table(done[2], tiny_data, KS)
    assert table["redundancy"].between(0, 1).all()
    assert table["new_hashtag_recall"].notna().all()
    for unit in ("posts", "users"):
        assert (table[f"f1_{unit}_low"] <= table["f1"]).all()
        assert (table["f1"] <= table[f"f1_{unit}_high"]).all()
    assert (table["f1_posts_low"] == table["f1_low"]).all()
    (first, *_) = paper_tables(table)
    assert first.headings[-2:] == ["new-tag recall", "Redundancy"]
    assert all(column != len(first.headings) - 1 for _, column in first.emphasis)


def test_what_could_not_be_measured_has_a_dash(done, tiny_data, tmp_path):
    rows = []
    for row in done[2][:2]:
        folder = Path(shutil.copytree(row.folder, tmp_path / row.entry.name))
        path = folder / "evaluation" / "test" / "metrics.json"
        metrics = json.loads(path.read_text(encoding="utf-8"))
        for line in metrics["table"]:  # as where no true hashtag is new
            line["new_hashtag_recall"] = None
        path.write_text(json.dumps(metrics), encoding="utf-8")
        rows.append(replace(row, folder=folder))
    table = benchmark_table(rows, tiny_data, KS)
    assert table["new_hashtag_recall"].isna().all()
    (first, *_) = paper_tables(table)
    assert {line[first.headings.index("new-tag recall")] for line in first.cells} == {"–"}


def test_the_command_goes_on_and_its_exit_status_says_that_a_row_is_left_out(tiny_data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("data_loaders.prepared.PreparedData.open", lambda *_: tiny_data)
    arguments = ["benchmark", "--data", "x", "--systems", "popularity,user_habit", "--output", str(tmp_path), "--json"]
    assert main([*arguments, "--k", "3,5"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {line["against"] for line in document["paired"]} == {"user_habit"}
    assert {path.name for path in tmp_path.glob("*.*")} >= {
        "benchmark.csv",
        "benchmark.tex",
        "paired.csv",
        "curves_hit_rate_f1.png",
    }
    assert main([*arguments, "--k", "3,5", "--entry", "broken=lstm encoder.pretrained=/nowhere"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert list(document["left_out"]) == ["broken"]
    assert "against user_habit" in (tmp_path / "benchmark.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main([*arguments, "--trials", "many"])
    assert main([*arguments, "--trials", "-1"]) == 2
    assert "--trials: -1 is negative; give 0 for no search" in capsys.readouterr().err


def test_the_command(tmp_path):
    command = [sys.executable, "scripts/benchmark.py", "--data", str(tmp_path / "none"), "--systems", "popularity"]
    done = subprocess.run([*command, "--output", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "error: prepared folder" in done.stderr
