"""The command `audit`."""

from __future__ import annotations

import json


def test_it_prints_a_table_and_its_exit_status_is_the_verdict(command, trained, prepared):
    done = command("audit", "--run", trained, "--data", prepared, "--posts", "6")
    written = json.loads((trained / "evaluation" / "test" / "audit.json").read_text())
    assert done.returncode == (1 if written["verdict"] == "failed" else 0)
    assert "Leak audit" in done.stdout
    assert "shuffled truth falls to chance" in done.stdout
    assert f"verdict: {written['verdict']}" in done.stdout
    assert str(trained / "evaluation" / "test" / "audit.md") in done.stdout


def test_a_failed_check_is_exit_status_1(command, trained, prepared, monkeypatch):
    from multimodal.audit import run
    from multimodal.audit.finding import Finding

    monkeypatch.setattr(run, "CHECKS", (lambda case: Finding(name="planted", status="failed", measured="caught"),))
    done = command("audit", "--run", trained, "--data", prepared, "--posts", "4")
    assert (done.returncode, "verdict: failed" in done.stdout) == (1, True)


def test_mistakes(command, trained, prepared, tmp_path):
    mistakes = {
        ("--run", trained, "--data", prepared, "--posts", "0"): "0 posts are too few to audit",
        ("--run", tmp_path / "no", "--data", prepared): "does not exist. Train a model",
    }
    for arguments, message in mistakes.items():
        done = command("audit", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr


def test_programs_get_what_is_written(command, trained, prepared):
    done = command("audit", "--run", trained, "--data", prepared, "--posts", "6", "--json")
    assert json.loads(done.stdout) == json.loads((trained / "evaluation" / "test" / "audit.json").read_text())
