"""Commands on a path where no memory is: those that only read or clear one refuse it and make nothing."""

from __future__ import annotations

import pytest

ON_A_MEMORY = {
    "info": ("memory", "info"),
    "export": ("memory", "export", "--user-id", "ann"),
    "forget": ("memory", "forget", "--user-id", "ann"),
    "compact": ("memory", "compact"),
    "rebuild": ("memory", "rebuild"),
    "rebuild for a model": ("memory", "rebuild", "--to", "new.sqlite"),
    "move": ("memory", "move", "--to", "new.sqlite"),
    "rules": ("rules", "--user-id", "ann"),
    "rules removed": ("rules", "--user-id", "ann", "--remove"),
    "recommend": ("recommend", "--user-id", "ann"),
    "recommend for a dump": ("recommend", "--source", "posts.jsonl", "--output", "lists.csv"),
}


@pytest.mark.parametrize("words", ON_A_MEMORY.values(), ids=ON_A_MEMORY)
def test_a_mistyped_path_is_refused(command, trained, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    done = command(*words, "--run", trained, "--memory", "typo.sqlite")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no log at typo.sqlite; it is made when a model opens it." in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_what_keeps_something_makes_one(command, trained, prepared, tmp_path):
    observing = ("recommend", "--run", trained, "--user-id", "user3", "--observe", prepared)
    ruling = ("rules", "--run", trained, "--user-id", "user3", "--never", "ad")
    for name, words in {"observed": observing, "rules": ruling}.items():
        done = command(*words, "--memory", tmp_path / f"{name}.sqlite")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / f"{name}.sqlite").exists()
