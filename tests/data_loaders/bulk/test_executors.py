"""Shard tasks: done once, whoever does them, and whatever happens on the way."""

import errno
import os
import sys
from functools import partial
from pathlib import Path

import pytest

from data_loaders.bulk.executor import InProcess
from data_loaders.bulk.executors import executor_named
from data_loaders.bulk.processes import Processes
from data_loaders.bulk.tasks import name_of, result_of
from data_loaders.errors import ConfigError, DataError, RunError

sys.path.insert(0, str(Path(__file__).parent))

from counting import Writing, begun, contents, processes_of, runs

EXECUTORS = {"one process": InProcess, "three processes": lambda: Processes(3)}


@pytest.fixture(params=EXECUTORS)
def executor(request):
    return EXECUTORS[request.param]()


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


def test_each_task_is_done_once_and_never_again(tmp_path, log, executor):
    steps = []
    tasks = [Writing("a" * size, log) for size in (1, 2, 3, 4)]
    executor.run(tasks[:3], tmp_path / "store", steps.append)
    assert contents(tmp_path / "store") == {task.name: task.text for task in tasks[:3]}
    assert sum(steps) == 6
    steps.clear()
    executor.run(tasks, tmp_path / "store", steps.append)
    assert sum(steps) == 10
    assert [runs(log, task.text) for task in tasks] == [1, 1, 1, 1]


def test_what_a_task_refuses_is_said_and_leaves_nothing(tmp_path, log, executor):
    tasks = [Writing("x", log), Writing("yy", log, trouble="refused")]
    with pytest.raises(DataError, match="no such day"):
        executor.run(tasks, tmp_path / "store", lambda _: None)
    assert not result_of(tasks[1], tmp_path / "store").exists()
    assert not [path for path in (tmp_path / "store").iterdir() if path.name not in {task.name for task in tasks}]


def test_a_full_disk_is_an_error_of_the_system(tmp_path, log, executor):
    with pytest.raises(OSError, match="No space left on device"):
        executor.run([Writing("x", log, trouble="full"), Writing("yy", log)], tmp_path / "store", lambda _: None)


def test_a_disk_that_is_full_at_the_last_step_is_named(tmp_path, log, monkeypatch):
    def full(path, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path), None, str(target))

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left on device"):
        InProcess().run([Writing("x", log)], tmp_path / "store", lambda _: None)
    assert list((tmp_path / "store").iterdir()) == []


def test_a_worker_that_is_killed_costs_nothing_but_time(tmp_path, log, caplog):
    tasks = [Writing("x", log), Writing("yyy", log, trouble="killed"), Writing("zz", log)]
    steps = []
    Processes(2).run(tasks, tmp_path / "store", steps.append)
    assert {name: text for name, text in contents(tmp_path / "store").items() if not name.startswith(".")} == {
        task.name: task.text for task in tasks
    }
    assert sum(steps) == 6
    assert runs(log, "yyy") == 2
    assert "a worker was killed by signal 9, perhaps for want of memory; its shard is done again" in caplog.text


def test_a_shard_whose_workers_are_killed_again_and_again_is_given_up(tmp_path, log):
    tasks = [Writing("x", log), Writing("yyy", log, trouble="deadly"), Writing("zz", log)]
    message = r"one of 2 processes died, as two before it at the same shard, perhaps for lack of memory\. What was"
    with pytest.raises(RunError, match=message):
        Processes(2).run(tasks, tmp_path / "store", lambda _: None)
    assert runs(log, "yyy") == 3
    assert "x" in contents_of_finished(tmp_path / "store")


def contents_of_finished(store):
    return [text for name, text in contents(store).items() if not name.startswith(".")]


@pytest.mark.parametrize("texts", [["only"], ["x", "yy", "zzz"]])
def test_workers_begin_before_the_first_task_is_taken(tmp_path, log, texts):
    def tasks():
        for text in texts:
            assert len(processes_of(log, "begun")) <= 2
            yield Writing(text, log)

    Processes(2, partial(begun, log)).run(tasks(), tmp_path / "store", lambda _: None)
    assert sorted(contents(tmp_path / "store").values()) == sorted(texts)
    workers = set.union(*(processes_of(log, text) for text in texts))
    assert workers <= processes_of(log, "begun")
    assert os.getpid() not in workers


@pytest.mark.parametrize("begin", [False, True])
def test_tasks_are_taken_as_there_is_somebody_to_do_them(tmp_path, log, begin):
    taken, done = [], []

    def tasks():
        for number in range(50):
            # Two are being done, one waits, and one is taken now.
            assert len(taken) <= len(done) // 2 + 3
            taken.append(number)
            yield Writing(f"{number:02}", log)

    Processes(2, partial(begun, log) if begin else None).run(
        tasks(), tmp_path / "store", lambda steps: done.extend(range(steps))
    )
    assert len(contents(tmp_path / "store")) == 50


def test_names_depend_on_all_parts_and_their_order():
    names = [name_of("a", 1), name_of("a", 2), name_of(1, "a"), name_of("a", [1]), name_of({"a": 1})]
    assert len(set(names)) == len(names)
    assert name_of({"a": 1, "b": 2}) == name_of({"b": 2, "a": 1})


def test_an_executor_is_found_by_its_name():
    assert isinstance(executor_named(processes=1), InProcess)
    assert isinstance(executor_named("local", 2), Processes)
    assert isinstance(executor_named("local", 1, begin=list), Processes)
    with pytest.raises(
        ConfigError, match=r"executor 'slurm' is unknown; accepted: local, ray, or the address of a Ray"
    ):
        executor_named("slurm")
    with pytest.raises(ConfigError, match=r"0 processes; accepted: 1 or more\."):
        executor_named("local", 0)


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"Ray is not installed.*pip install 'multimodal-hashtags\[ray\]'"):
        executor_named("ray")
