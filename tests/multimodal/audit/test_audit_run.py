"""From a run folder to `audit.json`: what is written, what is refused, and the command's exit status."""

from __future__ import annotations

import json

import pytest

from data_loaders.errors import UserError
from multimodal.audit import run as audit
from multimodal.audit.finding import Finding, as_markdown, counted, shown, verdict
from multimodal.audit.run import audit_run
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.systems.config_loading import validate_config
from multimodal.training.run import train_run


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited") / "habit"
    train_run(validate_config({"system": "user_habit"}), tiny_data, folder)
    evaluate_run(folder, tiny_data, ks=[5])
    return folder


def test_findings_are_written_beside_the_evaluation(run, tiny_data):
    done = audit_run(run, tiny_data, posts=5)
    assert done.folder == run / "evaluation" / "test"
    written = json.loads((done.folder / "audit.json").read_text())
    assert written["verdict"] == done.verdict
    assert (written["settings"]["posts"], written["settings"]["system"]) == (5, "user_habit")
    names = [finding["name"] for finding in written["findings"]]
    assert len(names) == len(set(names)) == 15
    by_name = {finding["name"]: finding for finding in written["findings"]}
    assert by_name["saved_predictions_reproduced"]["status"] == "passed"
    assert "| passed | later posts unused |" in (done.folder / "audit.md").read_text()


def test_predictions_of_another_model_are_noticed(run, tiny_data, monkeypatch):
    from multimodal.audit.context import AuditContext, choose_posts
    from multimodal.audit.saved import saved_predictions_reproduced
    from multimodal.systems.model_folder import load_model

    model = load_model(run)
    # Nothing of validation and test is remembered, as it was when the lists were saved.
    context = AuditContext(
        model.system, model.system.new_memory(), tiny_data, "test", choose_posts(tiny_data, "test", 9, 0)
    )
    finding = saved_predictions_reproduced(context, run / "evaluation" / "test" / "predictions.parquet")
    assert finding.status == "failed"
    assert "saved lists are not those of the model" in finding.measured
    skipped = saved_predictions_reproduced(context, run / "nothing.parquet")
    assert (skipped.status, skipped.measured) == ("skipped", "There is no nothing.parquet for the test split yet.")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "tst"}, "split: unknown split 'tst'. Did you mean 'test'?"),
        ({"seed": -1}, "seed: -1 is negative; give 0 or more."),
        ({"k": 0}, "k: 0 is not a possible length for the lists; give 1 to 1,000."),
        ({"k": 10**30}, "is not a possible length for the lists; give 1 to 1,000."),
        ({"posts": 1}, "posts: 1 posts are too few to audit; give at least 2"),
    ],
)
def test_mistakes(run, tiny_data, options, message):
    with pytest.raises(UserError) as error:
        audit_run(run, tiny_data, **options)
    assert message in str(error.value)


def test_verdict_and_counts():
    found = [Finding(name=f"n{n}", status=s, measured="m") for n, s in enumerate(["passed", "warning", "passed"])]
    assert (verdict(found), counted(found)) == ("warning", "1 warning, 2 passed")
    assert verdict([]) == "passed"
    failed = [*found, Finding(name="f", status="failed", measured="a|b", remedy="mend it")]
    assert verdict(failed) == "failed"
    assert "| failed | f | a\\|b **To do:** mend it |" in as_markdown(failed, {"split": "test"})


@pytest.mark.parametrize(
    ("failed", "only_warn", "status", "measured", "remedy"),
    [(False, False, "passed", "fine", ""), (False, True, "passed", "fine", ""),
     (True, False, "failed", "leaks", "mend"),
     (True, True, "warning", "leaks", "mend")],
)  # fmt: skip
def test_a_check_passes_fails_or_warns(failed, only_warn, status, measured, remedy):
    found = Finding.check("n", failed, good="fine", bad="leaks", remedy="mend", numbers={"x": 1}, only_warn=only_warn)
    assert found == Finding(name="n", status=status, measured=measured, numbers={"x": 1}, remedy=remedy)


def test_examples_are_cut():
    assert shown([]) == "none"
    assert shown(["a", "b"]) == "'a', 'b'"
    assert shown(["a", "b", "c", "d"]) == "'a', 'b', 'c', …"


def test_every_check_is_run():
    assert len(audit.CHECKS) == 13
