"""A few kills of a process that observes, seals and compacts; `python tests/torture/memory_kills.py` makes 100."""

from __future__ import annotations

import memory_kills
import pytest


@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_acknowledged_is_lost_and_answers_are_those_of_an_unbroken_run(tmp_path, seed):
    report = memory_kills.run(6, seed, tmp_path)
    assert report.faults == []
    assert report.kills == 6
    assert report.while_sealing > 0
    assert report.acknowledged > 0


def test_a_lost_change_and_other_answers_are_faults(tmp_path, monkeypatch):
    monkeypatch.setattr(memory_kills, "_disturb", lambda *given: (True, 3, True))
    faults = memory_kills.run(1, 0, tmp_path).faults
    assert faults == ["kill 1: change 2 was acknowledged and is lost", "kill 1: other answers after 3 changes"]
