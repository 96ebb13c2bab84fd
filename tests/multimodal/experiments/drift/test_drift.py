"""Systems that age: half of all hashtags are renamed one day."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from functools import partial

import numpy as np
import pytest

from data_loaders.bulk.processes import Processes
from data_loaders.errors import DataError
from data_loaders.posts import Post, instant_us
from data_loaders.prepare.vocabulary import Vocabulary
from data_loaders.prepared import PreparedData
from multimodal.commands.main import main
from multimodal.experiments.benchmark.entries import Entry, choose_entries
from multimodal.experiments.drift import running
from multimodal.experiments.drift.data_before import DataBefore
from multimodal.experiments.drift.periods import Period
from multimodal.experiments.drift.report import drift_figure, drift_summary
from multimodal.experiments.drift.running import Aged, Plan, run_drift
from multimodal.experiments.drift.table import drift_table
from multimodal.experiments.drift.trend_shifts import trend_table
from multimodal.experiments.side_by_side import beside_others

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
DAYS, RENAMED_ON = 14, 11
SPLITS = {"train": (0, 8), "validation": (8, 10), "test": (10, DAYS)}


class RenamedData:
    """Eight users post three times a day with hashtags of their own; from one day on, half are called otherwise."""

    def __init__(self, folder):
        own = [[f"tag{user}{number}" for number in range(4)] for user in range(8)]
        self.folder, self.fingerprint, self.posts = folder, "renamed", []
        for hour in range(0, 24 * DAYS):
            user, day = hour % 8, hour // 24
            tags = [own[user][number] for number in (0, 1, 3 if hour % 24 // 8 == 1 else 2)]
            tags = [f"{tag}new" if day >= RENAMED_ON and int(tag[-1]) < 2 else tag for tag in tags]
            timestamp = START + timedelta(hours=hour)
            self.posts.append(
                Post(
                    post_id=f"h{hour}",
                    user_id=f"user{user}",
                    timestamp=timestamp,
                    caption=f"words of user{user}",
                    hashtags=tuple(tags),
                    sequence=hour,
                )
            )
        self.vocabulary = Vocabulary.from_posts([post.hashtags for post in self.split("train")], 2)

    def split(self, name):
        first, last = SPLITS[name]
        return self.posts[24 * first : 24 * last]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return RenamedData(tmp_path_factory.mktemp("renamed"))


@pytest.fixture(scope="module")
def plan(data, tmp_path_factory):
    return Plan(data, tmp_path_factory.mktemp("drift"), kind="day", k=3)


@pytest.fixture(scope="module")
def made(plan):
    return run_drift(choose_entries("user_habit,popularity"), plan, running.PROTOCOLS)


@pytest.fixture(scope="module")
def table(plan, data, made):
    trends = trend_table({name: data.split(name) for name in SPLITS}, "day")
    return drift_table(made[0], plan.posts(), trends, "day", 3)


class TestDataBefore:
    def test_nothing_of_the_period_and_later_is_known(self, data):
        start = START + timedelta(days=12)
        earlier = DataBefore(data, Period(instant_us(start), "day12"))
        train, validation = earlier.split("train"), earlier.split("validation")
        assert all(post.timestamp < start for post in [*train, *validation])
        assert [post.post_id for post in [*train, *validation]] == [post.post_id for post in data.posts[: 24 * 12]]
        # In the proportion of the folder: two days of ten.
        assert len(validation) == round(24 * 12 * 2 / 10)
        assert not earlier.split("test")
        everything = DataBefore(data, Period(2**61, "all"))
        assert len(everything.split("train")) + len(everything.split("validation")) == len(data.posts)
        assert earlier.fingerprint != data.fingerprint

    def test_before_the_first_post_there_is_no_vocabulary(self, data):
        with pytest.raises(DataError, match="no hashtag"):
            DataBefore(data, Period(instant_us(START), "first"))


class TestLists:
    def test_every_post_under_every_protocol(self, plan, made):
        aged, failures = made
        assert not failures
        assert [(one.name, one.protocol) for one in aged] == [
            (name, protocol) for name in ("user_habit", "popularity") for protocol in running.PROTOCOLS
        ]
        for one in aged:
            assert set(one.lists) == {post.post_id for post in plan.posts()}
            assert all(len(row) == 3 for row in one.lists.values())

    def test_what_is_finished_is_kept(self, plan, made, monkeypatch):
        monkeypatch.setattr(running, "train_run", lambda *_: pytest.fail("trained again"))
        again, _ = run_drift(choose_entries("user_habit,popularity"), plan, running.PROTOCOLS)
        assert again == made[0]
        assert not (plan.output / "user_habit" / "refitted" / "run").exists()

    def test_a_refitted_system_knows_nothing_of_its_period_but_what_is_earlier(self, plan, made):
        (popular,) = [one for one in made[0] if (one.name, one.protocol) == ("popularity", "refitted")]
        first_new = [post for post in plan.posts() if post.timestamp >= START + timedelta(days=RENAMED_ON)][:24]
        # Popularity is that of the train posts before the day, so no new name is known on the first day.
        assert not any(tag.endswith("new") for post in first_new for tag in popular.lists[post.post_id])

    def test_a_row_that_fails_costs_itself_alone(self, plan, made):
        broken = Entry("broken", choose_entries("lstm")[0].config, ("encoder.pretrained=/nowhere",))
        aged, (failure,) = run_drift([*choose_entries("popularity"), broken], plan, ("frozen",))
        assert [one.name for one in aged] == ["popularity"]
        assert failure.entry.name == "broken"
        assert "/nowhere" in failure.reason

    def test_processes_side_by_side_make_the_same_lists(self, data, made, tmp_path):
        plan = Plan(data, tmp_path, kind="day", k=3)
        broken = Entry("broken", choose_entries("lstm")[0].config, ("encoder.pretrained=/nowhere",))
        entries = [*choose_entries("user_habit,popularity"), broken]
        side_by_side = Processes(2, partial(beside_others, 1))
        aged, (failure,) = run_drift(entries, plan, running.PROTOCOLS, executor=side_by_side)
        assert aged == made[0]
        assert "/nowhere" in failure.reason
        assert not (tmp_path / ".aged").exists()


class TestTable:
    def test_f1_of_a_period_by_hand(self, plan, data, table):
        posts = plan.posts()[:24]
        lists = {post.post_id: [post.hashtags[0], "no", "none"] for post in plan.posts()}
        trends = trend_table({name: data.split(name) for name in SPLITS}, "day")
        line = drift_table([Aged("one", "frozen", lists)], posts, trends, "day", 3).iloc[0]
        assert (line["posts"], line["period"]) == (24, "2024-01-11")
        assert line["f1"] == pytest.approx(1 / 3)
        assert (line["f1_low"], line["f1_high"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))

    def test_rolling_recovers_from_the_renaming_and_frozen_does_not(self, table):
        curves = table[table["system"] == "user_habit"].pivot(index="period", columns="protocol", values="f1")
        before, last = curves.iloc[0], curves.iloc[-1]
        assert last["frozen"] < before["frozen"] - 0.15
        assert last["rolling"] > last["frozen"] + 0.15
        assert last["refitted"] > last["frozen"] + 0.15

    def test_the_shift_is_marked_on_its_day_alone(self, table):
        happened = table.drop_duplicates("period").set_index("period")
        assert happened.index[happened["shift"].astype(bool)].tolist() == ["2024-01-12"]
        assert happened["unseen_in_train"].tolist()[0] == 0
        # Two of the three hashtags of every post are new.
        assert happened["unseen_in_train"].tolist()[1:] == [pytest.approx(2 / 3)] * 3
        assert happened["unseen_before"].iloc[-1] == 0

    def test_summary_and_figure(self, table):
        cells = {(line[0], line[1]): line[2:] for line in drift_summary(table, 3).cells}
        assert set(cells) == {(name, kind) for name in ("user_habit", "popularity") for kind in running.PROTOCOLS}
        own = table[(table["system"] == "user_habit") & (table["protocol"] == "frozen")]["f1"]
        assert cells["user_habit", "frozen"][0] == f"{own.mean():.3f}"
        assert cells["user_habit", "frozen"][1] == f"{own.min():.3f}"
        figure = drift_figure(table, 3)
        assert [axes.get_ylabel() for axes in figure.axes] == [
            "F1@3, frozen",
            "F1@3, rolling",
            "F1@3, refitted",
            "share, distance",
        ]
        drawn = figure.axes[1].lines[0].get_ydata()
        assert np.allclose(drawn, table[(table["system"] == "user_habit") & (table["protocol"] == "rolling")]["f1"])
        # Both Systems, and the day of the shift.
        assert len(figure.axes[0].lines) == 3


class TestCommand:
    def test_writes_one_figure_and_one_table(self, data, plan, made, monkeypatch, capsys):
        monkeypatch.setattr(PreparedData, "open", lambda *_: data)
        arguments = ["drift", "--data", "x", "--systems", "user_habit,popularity", "--output", str(plan.output)]
        assert main([*arguments, "--period", "day", "--k", "3", "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert len(document["table"]) == 2 * 3 * 4
        assert {file.name for file in plan.output.glob("drift.*")} == {
            "drift.csv",
            "drift.md",
            "drift.png",
            "drift.svg",
        }
        assert "Trends shifted in 2024-01-12." in (plan.output / "drift.md").read_text(encoding="utf-8")

    def test_those_that_are_not_refitted_have_the_other_protocols(self, data, plan, made, monkeypatch, capsys):
        monkeypatch.setattr(PreparedData, "open", lambda *_: data)
        arguments = ["drift", "--data", "x", "--systems", "user_habit,popularity", "--output", str(plan.output)]
        arguments += ["--period", "day", "--k", "3", "--json"]
        assert main([*arguments, "--refit", "popularity"]) == 0
        lines = json.loads(capsys.readouterr().out)["table"]
        assert {(line["system"], line["protocol"]) for line in lines} == {
            ("user_habit", "frozen"),
            ("user_habit", "rolling"),
            *(("popularity", protocol) for protocol in running.PROTOCOLS),
        }
        assert main([*arguments, "--refit", "popularty"]) == 2
        assert "--refit popularty: there is no such row. Did you mean 'popularity'?" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--period", "decade"], "period: 'decade' is unknown."),
            (["--protocols", "frozn"], "--protocols: 'frozn' is unknown. Did you mean 'frozen'?"),
            (["--k", "0"], "--k: 0 is not a length of a list; give 1 or more."),
        ],
    )
    def test_what_cannot_be_is_refused(self, arguments, message, tmp_path, capsys):
        call = ["drift", "--data", str(tmp_path), "--systems", "popularity", "--output", str(tmp_path / "out")]
        assert main([*call, *arguments]) == 2
        assert message in capsys.readouterr().err

    def test_posts_without_a_time_have_no_periods(self, data, monkeypatch, tmp_path, capsys):
        class Undated(RenamedData):
            def split(self, name):
                return [Post(post_id=f"{name}{number}", hashtags=("tag",), sequence=number) for number in range(2)]

        monkeypatch.setattr(PreparedData, "open", lambda *_: Undated(tmp_path))
        assert main(["drift", "--data", "x", "--systems", "popularity", "--output", str(tmp_path / "out")]) == 2
        assert "no post of the test split has a hashtag and a timestamp" in capsys.readouterr().err
