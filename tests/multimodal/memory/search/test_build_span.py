"""Spans that an executor builds are those that questions build, file by file, also after a kill."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from index_streams import ask, stream

from data_loaders.bulk.executor import InProcess
from data_loaders.bulk.held import held
from data_loaders.bulk.processes import Processes
from data_loaders.errors import RunError
from multimodal.distributed.processors import use_threads
from multimodal.memory.search import build_span
from multimodal.memory.search.build_span import BuildSpan, span_tasks
from multimodal.memory.search.dense.settings import DenseSettings
from multimodal.memory.search.index import NeighbourIndex
from multimodal.memory.search.likeness import Likeness
from multimodal.memory.search.settings import IndexSettings

TINY = IndexSettings(exact_posts=1, slice_posts=8, champions=3, postings=9, dense=DenseSettings(kind="flat"))
HOUR = 3_600_000_000
SPACES = ("words", "caption")


@dataclass(frozen=True)
class Stream:
    """Opens the index of a stream of posts."""

    seed: int = 0

    def open(self):
        return NeighbourIndex(stream(200, self.seed), TINY)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sealed")
    NeighbourIndex(stream(200), TINY, folder).seal(SPACES)
    return files(folder)


@pytest.mark.parametrize("executor", [InProcess(), Processes(2, partial(use_threads, 1))])
def test_the_files_are_those_of_seal(sealed, tmp_path, executor):
    tasks = span_tasks(Stream().open(), Stream(), SPACES)
    steps = []
    executor.run(tasks, tmp_path, steps.append)
    assert files(tmp_path) == sealed
    assert len(tasks) == len(list(tmp_path.iterdir())) > 8
    assert sum(steps) == sum(len(task.place) for task in tasks)


def test_they_are_opened_and_not_built_by_questions(sealed, tmp_path, monkeypatch):
    index = NeighbourIndex(stream(200), TINY, tmp_path)
    with held(Stream(), index):
        InProcess().run(span_tasks(index, Stream(), SPACES), tmp_path, lambda _: None)
    monkeypatch.setattr("multimodal.memory.search.parts.save_part", None)
    index.seal(SPACES)
    late = stream(1, 1, instants=np.array([300 * HOUR]))  # it asks the longest spans, which are all there
    mixed = Likeness({"words": 0.5, "caption": 0.5}, power=4, decay=0.3)
    found, expected = (ask(one, late, 4, mixed) for one in (index, NeighbourIndex(stream(200), TINY)))
    assert found.positions.tolist() == expected.positions.tolist()
    assert found.similarity.tobytes() == expected.similarity.tobytes()


def test_a_process_that_is_killed_costs_nothing_but_time(sealed, tmp_path, monkeypatch, caplog):
    write = NeighbourIndex.write_span

    def killed_once(index, place, space, folder):
        write(index, place, space, folder)
        if place.start == 0 and space == "words" and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(build_span.NeighbourIndex, "write_span", killed_once)
    store = tmp_path / "spans"
    Processes(2).run(span_tasks(Stream().open(), Stream(), SPACES), store, lambda _: None)
    assert "a worker was killed by signal 9" in caplog.text
    assert {name: content for name, content in files(store).items() if not name.startswith(".")} == sealed


def test_other_posts_than_those_that_a_task_was_made_of_are_refused(tmp_path):
    task = span_tasks(Stream().open(), Stream(), SPACES)[0]
    other = BuildSpan(source=Stream(seed=9), place=task.place, space=task.space, part=task.part)
    with pytest.raises(RunError, match="the memory has changed while its spans were built; run the same command again"):
        InProcess().run([other], tmp_path, lambda _: None)
    assert list(tmp_path.iterdir()) == []
