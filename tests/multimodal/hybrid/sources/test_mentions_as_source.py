"""The people whom captions address as sources of the hybrid: what they say, and when they are asked."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from data_loaders.posts import Post
from multimodal.audit.run import audit_run
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.hybrid.sources.mentions import rare_mentions
from multimodal.memory.posts.mentions import mention_slots
from multimodal.recommender import Recommender
from multimodal.systems.model_folder import load_model

NAMES = {"mentions", "own_mentions"}


@pytest.fixture(scope="module")
def model(named_run):
    return load_model(named_run.path)


def columns_of(table, name):
    return table.values[:, [source == name for source in table.sources]]


def table_of(model, post):
    return model.system._builder().table(model.system.spaces.questions([post], model.memory))


def test_they_say_what_was_used_with_a_name(model, named_data):
    hybrid, asked = model.system, [post for post in named_data.split("test") if post.caption and post.user_id]
    assert set(hybrid.ranker.sources) >= NAMES
    assert model.memory.keep_mentions
    table = hybrid._builder().table(hybrid.spaces.questions(asked, model.memory))
    both = [np.nan_to_num(table.values[:, table.names.index(f"{name}.max")]) for name in sorted(NAMES)]
    assert (both[0] > 0).any()
    assert (both[1] > 0).any()
    assert not (both[1][both[0] == 0] > 0).any()


def test_nobody_and_nobodys_own_posts_are_missing_values(model):
    silent = table_of(model, Post(post_id="a", user_id="user3", caption="mail@example.com"))
    assert np.isnan(columns_of(silent, "mentions")).all()
    assert np.isnan(columns_of(silent, "own_mentions")).all()
    unknown = table_of(model, Post(post_id="a", user_id="nobody", caption="with @user3"))
    assert not np.isnan(columns_of(unknown, "mentions")).any()
    assert np.isnan(columns_of(unknown, "own_mentions")).all()


def test_what_is_observed_with_a_name_is_known_at_once_and_moves_with_its_log(named_run, tmp_path):
    recommender = Recommender.from_pretrained(named_run.path, memory=tmp_path / "memory.sqlite")
    asked = {"user_id": "walker", "caption": "again @somebody.new #unseen"}
    assert "brandnew" not in [one.hashtag for one in recommender.recommend(**asked, k=15)]
    for number in range(3):
        post = {"post_id": f"n{number}", "user_id": "runner", "caption": "@somebody.new #brandnew"}
        recommender.observe(post)
    told = recommender.recommend(**asked, k=15, explain=True)
    assert "mentions" in [source.name for one in told if one.hashtag == "brandnew" for source in one.sources]
    exported = recommender.export("runner")["events"]
    assert [event["mentions"] for event in exported] == mention_slots(["@somebody.new"]) * 3
    before = recommender.recommend(**asked, k=15)
    recommender.close()
    again = Recommender.from_pretrained(named_run.path, memory=tmp_path / "memory.sqlite")
    assert again.recommend(**asked, k=15) == before
    again.forget("runner")
    assert "brandnew" not in [one.hashtag for one in again.recommend(**asked, k=15)]
    again.close()


def test_the_audit_passes_although_names_are_hashtags(named_run, named_data, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(named_run.path, folder)
    evaluate_run(folder, named_data, ks=[5])
    done = audit_run(folder, named_data, posts=5)
    assert {finding.name: finding.status for finding in done.findings if finding.status == "failed"} == {}


def test_a_model_of_before_them_ranks_as_it_did(hybrid_run, tiny_data, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(hybrid_run.model, folder)
    info = json.loads((folder / "model.json").read_text())
    del info["checksums"]
    (folder / "model.json").write_text(json.dumps(info))
    state = json.loads((folder / "hybrid.json").read_text())
    assert set(state["left_out"]) == NAMES
    (folder / "hybrid.json").write_text(json.dumps({**state, "left_out": []}))
    now, before, asked = load_model(hybrid_run.path), load_model(folder), tiny_data.split("test")
    assert not before.memory.keep_mentions
    assert not before.system.new_memory().keep_mentions
    expected = now.system.rank(asked, now.memory, 6)
    assert list(before.system.rank(asked, before.memory, 6)) == list(expected)


@pytest.mark.parametrize(("count", "left_out"), [(0, NAMES), (4, NAMES), (5, set()), (100, set())])
def test_they_are_asked_where_one_post_in_twenty_addresses_somebody(count, left_out):
    posts = [Post(post_id=str(n), caption="with @ann" if n < count else "ann@example.com") for n in range(100)]
    assert set(rare_mentions(posts)) == left_out
