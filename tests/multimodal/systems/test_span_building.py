"""The index of a memory that is kept is built ahead of questions, by processes and by a Ray cluster alike."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from data_loaders.bulk.executor import InProcess
from data_loaders.bulk.executors import executor_named
from data_loaders.bulk.processes import Processes
from data_loaders.errors import UserError
from multimodal import Recommender
from multimodal.distributed.processors import use_threads
from multimodal.memory.live.events_of_posts import spaces_of
from multimodal.memory.search.settings import IndexSettings
from multimodal.systems.config_loading import load_config
from multimodal.systems.span_building import SnapshotIndex, build_spans
from multimodal.training.run import train_run

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "data_loaders" / "bulk"))

from ray_nodes import two_nodes

SMALL = IndexSettings(exact_posts=1, slice_posts=4)


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "knn_words"
    train_run(load_config("knn_words"), tiny_data, folder)
    return folder


@pytest.fixture
def kept(run, tiny_data, tmp_path):
    """A memory in a file, just written to its snapshot."""
    recommender = Recommender.from_pretrained(run, device="cpu", memory=tmp_path / "memory.sqlite")
    recommender.live.settings = replace(recommender.live.settings, index=SMALL)
    recommender.observe(list(tiny_data.split("test")))
    recommender.compact()
    yield recommender.live
    recommender.close()


def files(live):
    folder = live.files.spans(live.place.generation)
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def built(live, run, executor):
    count = build_spans(live, str(run), executor)
    found = files(live)
    assert count == len({name.partition("/")[0] for name in found}) > 2
    live.files.remove_spans(live.place.generation + 1)
    return found


def test_few_posts_have_no_spans_to_build(run, tiny_data, tmp_path, capsys):
    recommender = Recommender.from_pretrained(run, device="cpu", memory=tmp_path / "memory.sqlite")
    recommender.observe(list(tiny_data.split("test")))
    recommender.compact()
    capsys.readouterr()
    assert build_spans(recommender.live, str(run), InProcess()) == 0
    assert "Building spans" not in capsys.readouterr().err
    recommender.close()


def test_the_files_are_the_same_by_processes(kept, run):
    here = built(kept, run, InProcess())
    assert built(kept, run, Processes(2, partial(use_threads, 1))) == here


def test_a_worker_that_has_only_the_snapshot_builds_the_same(kept, run):
    source = SnapshotIndex(
        run=str(run), snapshot=kept.files.snapshot, settings=SMALL, fingerprint=kept.files.origin.fingerprint
    )
    index = source.open()
    spaces = ["words", *spaces_of(kept.memory)]
    assert [(place, space, index.span_name(place, space)) for place in index.spans() for space in spaces] == [
        (place, space, kept.memory.index.span_name(place, space))
        for place in kept.memory.index.spans()
        for space in spaces
    ]


def test_the_files_are_the_same_on_a_cluster(kept, run):
    pytest.importorskip("ray", reason="Ray is an extra: pip install 'multimodal-hashtags[ray]'")
    here = built(kept, run, InProcess())
    with two_nodes(Path(__file__).parent):
        assert built(kept, run, executor_named("ray", begin=partial(use_threads, 1))) == here


def test_a_memory_without_files_is_refused(run):
    recommender = Recommender.from_pretrained(run, device="cpu")
    with pytest.raises(UserError, match="the memory is kept in this process only; give --memory"):
        build_spans(recommender.live, str(run), InProcess())
