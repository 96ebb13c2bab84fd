"""A dump that two nodes of a Ray cluster answer: the same bytes as in this process."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray is an extra: pip install 'multimodal-hashtags[ray]'")

from data_loaders.bulk.executors import executor_named
from data_loaders.readers import open_dump
from multimodal.distributed.processors import use_threads
from multimodal.serving.dumps.opening import Opening
from multimodal.serving.dumps.recommending import recommend_dump

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "data_loaders" / "bulk"))

from ray_nodes import two_nodes


def one_thread():
    use_threads(1)


@pytest.fixture(scope="module")
def cluster():
    with two_nodes(Path(__file__).parent) as made:
        yield made


def test_its_answers_are_those_of_this_process(cluster, habit_run, recommender, dump, tmp_path, monkeypatch):
    monkeypatch.setattr("data_loaders.readers.record_batches._MOST_RECORDS", 16)
    recommend_dump(recommender, open_dump(dump), tmp_path / "here.parquet", {"k": 4})
    monkeypatch.chdir(dump.parent)
    opening = Opening(run=str(habit_run), device="cpu")
    there = executor_named("ray", begin=one_thread)
    source = Path(dump.name)  # relative to where the command runs
    done = recommend_dump(
        recommender, open_dump(source), tmp_path / "there.parquet", {"k": 4}, executor=there, opening=opening
    )
    assert done.posts == 120
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()
    assert (tmp_path / "there.rejected.jsonl").read_bytes() == (tmp_path / "here.rejected.jsonl").read_bytes()
