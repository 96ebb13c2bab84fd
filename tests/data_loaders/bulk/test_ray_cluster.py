"""Shard tasks on a Ray cluster of two nodes on this machine: the same bytes, also if a worker is killed."""

import sys
from pathlib import Path

import pytest

ray = pytest.importorskip("ray", reason="Ray is an extra: pip install 'multimodal-hashtags[ray]'")
from data_loaders.bulk.executor import InProcess  # noqa: E402
from data_loaders.bulk.executors import executor_named  # noqa: E402
from data_loaders.errors import DataError, RunError  # noqa: E402
from data_loaders.prepare.prepare import prepare  # noqa: E402
from data_loaders.prepare.settings import PrepareSettings  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
for folder in ("bulk", "prepare/reading"):
    sys.path.insert(0, str(ROOT / "tests" / "data_loaders" / folder))

from counting import Writing, contents, runs  # noqa: E402
from dump_of_days import bytes_of, days  # noqa: E402
from ray_nodes import two_nodes  # noqa: E402


@pytest.fixture(scope="module")
def cluster():
    with two_nodes(Path(__file__).parent) as made:
        yield made


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


def test_both_nodes_are_there(cluster):
    assert sum(node["Alive"] for node in ray.nodes()) == 2


def test_each_task_is_done_once_also_by_a_worker_that_is_killed(cluster, tmp_path, log):
    tasks = [Writing("x", log), Writing("yyy", log, trouble="killed"), Writing("zz", log)]
    steps = []
    for _ in range(2):
        executor_named("ray").run(tasks, tmp_path / "store", steps.append)
    whole = {name: text for name, text in contents(tmp_path / "store").items() if not name.startswith(".")}
    assert whole == {task.name: task.text for task in tasks}
    assert sum(steps) == 12
    assert [runs(log, text) for text in ("x", "yyy", "zz")] == [1, 2, 1]


def test_what_a_task_refuses_is_said(cluster, tmp_path, log):
    with pytest.raises(DataError, match="no such day"):
        executor_named("ray").run([Writing("x", log, trouble="refused")], tmp_path / "store", lambda _: None)


def test_a_shard_whose_workers_die_again_and_again_is_given_up(cluster, tmp_path, log):
    message = r"workers of the cluster died 4 times at the same shard, perhaps for lack of memory: .* What was finished"
    with pytest.raises(RunError, match=message):
        executor_named("ray").run([Writing("x", log, trouble="deadly")], tmp_path / "store", lambda _: None)
    assert runs(log, "x") == 4


def test_prepare_writes_the_same_bytes(cluster, tmp_path, monkeypatch):
    source = days(tmp_path / "dump", monkeypatch)
    prepared = {}
    for name, executor in (("here", InProcess()), ("there", executor_named("ray"))):
        prepare(source, tmp_path / name / "prepared", PrepareSettings(), executor=executor)
        prepared[name] = bytes_of(tmp_path / name / "prepared")
    assert prepared["here"] == prepared["there"]
    assert "posts.parquet" in prepared["here"]
