"""A few kills of `prepare`, always the same, and that the attack notices what it is for; `make torture` has more."""

from __future__ import annotations

import random
import shutil
import signal

import kills
import pytest
from kills import FULL, Disturbance, Ended, disturbed, kill_and_repeat, left_overs


@pytest.fixture(scope="module", autouse=True)
def campaign(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORTURE_FOLDER", str(tmp_path_factory.mktemp("torture")))
        yield
    kills._template.cache_clear()
    kills._undisturbed.cache_clear()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["prepare", "prepare again"])
def test_the_old_folder_or_the_new_one_is_there_and_nothing_else(tmp_path, name, seed):
    outcome = kill_and_repeat(random.Random(seed), tmp_path, name)
    assert outcome.tried
    assert outcome.faults == []


@pytest.fixture
def place(tmp_path):
    place = tmp_path / "place"
    shutil.copytree(kills._template(()), place)
    return place


def words(place):
    return kills.CASES["prepare"].words(place)


def test_a_command_is_killed_at_a_change(place):
    ended = disturbed(words(place), place, Disturbance(signal.SIGKILL, change=6))
    assert (ended.status, ended.changes) == (-signal.SIGKILL, 0)
    assert {name.rsplit(".", 1)[1] for name in left_overs(place)} == {"lock", "part"}


def test_a_command_is_killed_at_a_time(place):
    ended = disturbed(words(place), place, Disturbance(signal.SIGKILL, after_s=0.0))
    assert ended.status == -signal.SIGKILL


def test_the_disk_is_full_from_a_change_on(place):
    ended = disturbed(words(place), place, Disturbance(FULL, change=4))
    assert ended.status == 2
    assert " is full." in ended.said


def test_an_undisturbed_command_says_how_much_it_changes(place):
    ended = disturbed(words(place), place)
    assert ended.status == 0
    assert ended.changes > 10
    assert left_overs(place) == []


def test_what_is_wrong_is_a_fault(tmp_path, monkeypatch):
    """A `prepare` that writes half of a folder in place, says something with a traceback and leaves a file."""
    kills._undisturbed("prepare")

    def careless(words, root, disturbance=None):
        (root / "data").mkdir(exist_ok=True)
        (root / "data" / "vocabulary.json").write_text("half")
        (root / ".data.part").touch()
        return Ended(1, "Traceback (most recent call last):", 0.0, 0)

    monkeypatch.setattr(kills, "disturbed", careless)
    faults = {kind for kind, _ in kill_and_repeat(random.Random(0), tmp_path, "prepare").faults}
    assert {"traceback", "half done", "not repeatable"} <= faults
