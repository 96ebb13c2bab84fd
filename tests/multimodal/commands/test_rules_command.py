"""The command `rules`."""

from __future__ import annotations

import json

import pytest

from multimodal import Recommender


@pytest.fixture
def rules(command, trained, tmp_path):
    def call(*arguments, user_id="user3"):
        return command(
            "rules", "--run", trained, "--memory", tmp_path / "memory.sqlite", "--user-id", user_id, *arguments
        )

    return call


def test_they_are_kept_shown_replaced_and_removed(rules, trained, tmp_path):
    kept = {"only": "mine", "never": ["ad*"]}
    done = rules("--only", "mine", "--never", "#Ad*", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"user_id": "user3", "rules": kept}
    assert json.loads(rules().stdout) == kept
    recommender = Recommender.from_pretrained(trained, memory=tmp_path / "memory.sqlite")
    assert recommender.rules("user3") == kept
    recommender.close()
    assert json.loads(rules("--always", "shop").stdout) == {"always": ["shop"]}
    assert rules(user_id="user4").stdout == "no rules are kept for user4\n"
    assert rules("--remove").stdout == "no rules are kept for user3\n"
    assert rules().stdout == "no rules are kept for user3\n"


def test_mistakes(rules):
    mistakes = {
        ("--remove", "--never", "ad"): "--remove keeps no rules, but never is given too; leave one of them out.",
        ("--never", "ad", "--always", "ad"): "always: 'ad' is also among never",
    }
    for arguments, message in mistakes.items():
        done = rules(*arguments)
        assert (done.returncode, message in done.stderr) == (2, True)
    assert rules("--only", "any").returncode == 0
    assert rules().stdout == "no rules are kept for user3\n"
    assert "names nobody; give the id of a user" in rules(user_id=" ").stderr
