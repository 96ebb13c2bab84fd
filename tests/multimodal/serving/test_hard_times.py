"""The service when disks are full, databases away, folders replaced and clients hostile: it refuses, and goes on."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from starlette.testclient import TestClient

from multimodal import Recommender
from multimodal.memory.log.errors import StoreUnavailableError
from multimodal.serving.app import create_app
from multimodal.systems.config_loading import validate_config
from multimodal.training.run import train_run

ASKED = {"user_id": "ann", "k": 3}


@pytest.fixture
def kept(client, tmp_path):
    """A service with a memory on the disk, and the log of it."""
    service = client(memory=str(tmp_path / "memory.sqlite"))
    with next(iter(service.app.state.service.ready)).borrow() as recommender:
        return service, recommender.live.store


def answered(service, asked=ASKED):
    answer = service.post("/recommend", json=asked)
    assert answer.status_code == 200, answer.text
    return [one["hashtag"] for one in answer.json()["recommendations"]]


def observed(service, number, user_id="ann"):
    post = {"post_id": f"p{number}", "user_id": user_id, "hashtags": [f"new{number}"], "caption": "x" * 500}
    return service.post("/observe", json=post)


def test_one_user_posts_many_times_at_once(kept):
    service, store = kept
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: observed(service, number), range(40)))
    assert {answer.status_code for answer in answers} == {200}
    events = service.get("/users/ann").json()["events"]
    assert {event["post_id"] for event in events} == {f"p{number}" for number in range(40)}
    assert len({event["instant_us"] for event in events}) == 40
    assert set(answered(service, {"user_id": "ann", "k": 40, "only": ["new*"]})) == {f"new{i}" for i in range(40)}
    assert store.last() == 40


def test_the_same_post_at_once_is_remembered_once(kept):
    service, store = kept
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: observed(service, 7), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200, *[422] * 7]
    assert all("post 'p7' is already remembered" in one.text for one in answers if one.status_code == 422)
    assert store.last() == 1


def test_a_full_disk_keeps_nothing_of_what_it_refuses(kept):
    service, store = kept

    def pragma(words):
        with store._engine.connect() as connection:
            return connection.connection.driver_connection.execute(f"PRAGMA {words}").fetchone()[0]

    assert observed(service, 0).status_code == 200
    pragma(f"max_page_count={pragma('page_count') + 2}")
    before = answered(service)
    posts = [{"post_id": f"l{i}", "user_id": "ann", "caption": "x" * 4_000, "hashtags": ["a" * 99]} for i in range(99)]
    refused = service.post("/observe", json={"posts": posts})
    assert refused.status_code == 503
    assert "disk is full. Free some space, and try again" in refused.json()["error"]["message"]
    assert refused.headers["Retry-After"] == "1"
    assert answered(service) == before
    assert store.last() == 1
    pragma("max_page_count=100000")
    assert service.post("/observe", json={"posts": posts}).json()["observed"] == 99
    assert store.last() == 100


def test_a_database_that_is_away_for_a_while(kept, monkeypatch):
    service, store = kept
    assert observed(service, 0).status_code == 200
    before = answered(service)

    def away(*asked):
        raise StoreUnavailableError("the log cannot be reached; start the database")

    with monkeypatch.context() as patch:
        for name in ("append", "read", "last"):
            patch.setattr(type(store), name, away)
        taught = {"post_id": "p0", "accepted": ["sea"]}
        told = {"observe": observed(service, 1), "feedback": service.post("/feedback", json=taught)}
        told["users"] = service.delete("/users/ann")
        for answer in told.values():
            assert answer.status_code == 503, answer.text
            assert answer.json()["error"]["message"].startswith("the log cannot be reached; start the database")
            assert answer.headers["Retry-After"] == "1"
        assert answered(service) == before
    assert observed(service, 1).status_code == 200
    assert answered(service, {"user_id": "ann", "k": 1}) == ["new1"]
    assert store.last() == 2


class TestAFolderThatIsReplaced:
    @pytest.fixture
    def run(self, habit_run, tmp_path):
        shutil.copytree(habit_run, tmp_path / "run")
        return tmp_path / "run"

    @pytest.fixture
    def service(self, settings, run):
        given = settings(api_key="secret")
        served = replace(given, models=[replace(given.models[0], path=str(run))])
        with TestClient(create_app(served), headers={"X-API-Key": "secret"}) as service:
            yield service

    def test_answers_stay_until_it_is_loaded_again(self, service, run, other_tiny_data, tmp_path):
        before = answered(service, {"user_id": "nobody", "k": 5})
        train_run(validate_config({"system": "popularity"}), other_tiny_data, tmp_path / "other")
        run.rename(tmp_path / "before")
        (tmp_path / "other").rename(run)
        assert answered(service, {"user_id": "nobody", "k": 5}) == before
        assert service.post("/models/habit/reload").json()["system"] == "popularity"
        assert len(answered(service, {"user_id": "nobody", "k": 5})) == 5

    @pytest.mark.parametrize("damage", ["gone", "half", "other"])
    def test_one_that_cannot_be_loaded_changes_nothing(self, service, run, damage):
        before = answered(service)
        file = run / "model" / "vocabulary.json"
        if damage == "gone":
            shutil.rmtree(run)
        else:
            content = file.read_bytes()
            file.unlink()
            file.write_bytes(content[: len(content) // 2] if damage == "half" else content.replace(b'"', b"'"))
        refused = service.post("/models/habit/reload")
        assert refused.status_code == 422, refused.text
        assert {"gone": "does not exist", "half": "damaged", "other": "damaged"}[damage] in refused.text
        assert answered(service) == before


@pytest.mark.parametrize(
    ("path", "body"), [("/recommend", {"user_id": "gone"}), ("/recommend/batch", {"posts": [{"user_id": "gone"}]})]
)
def test_nothing_is_computed_for_who_has_left(settings, monkeypatch, path, body):
    app, asked, begun, go = create_app(settings()), [], threading.Event(), threading.Event()
    recommend = Recommender.recommend

    def slow(self, *given, user_id, **options):
        asked.append(user_id)
        begun.set()
        assert go.wait(60)
        return recommend(self, *given, user_id=user_id, **options)

    monkeypatch.setattr(Recommender, "recommend", slow)

    async def call(path, body, *events):
        messages, sent = iter([{"type": "http.request", "body": json.dumps(body).encode()}, *events]), []

        async def receive():
            return next(messages, None) or await asyncio.Event().wait()

        async def send(message):
            sent.append(message)

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        await app(scope, receive, send)
        return [message["status"] for message in sent if "status" in message]

    async def use():
        async with app.router.lifespan_context(app):
            staying = asyncio.create_task(call("/recommend", {"user_id": "here"}))
            await asyncio.to_thread(begun.wait)
            assert await call(path, body, {"type": "http.disconnect"}) == [499]
            go.set()
            return await staying

    assert asyncio.run(use()) == [200]
    assert asked == ["here"]


def test_feedback_and_rules_that_contradict_each_other(client):
    service = client()
    for rules, message in [
        ({"always": ["tea"], "never": ["tea"]}, "never"),
        ({"k": 2, "always": ["a", "b", "c"]}, "3 always come first (a, b, c)"),
        ({"k": 3, "only": ["tea", "sea"]}, "k: 3 hashtags were requested"),
        ({"k": 5, "maximum": 3}, "maximum: it bounds k='auto'"),
        ({"k": "auto", "minimum": 4, "maximum": 2}, "auto"),
        ({"replace": {"a": "b", "b": "a"}}, "replace"),
    ]:
        refused = service.post("/recommend", json={"user_id": "ann", **rules})
        assert refused.status_code == 422, (rules, refused.text)
        assert message in refused.json()["error"]["message"], rules
    assert len(answered(service)) == 3


def test_a_thousand_malformed_pictures(client, picture):
    service, draw = client(), np.random.default_rng(0)
    for number in range(1_000):
        cut = picture[: number % (len(picture) - 20)] if number % 2 else draw.bytes(1 + number)
        answer = service.post("/recommend", files={"image": cut})
        assert answer.status_code == 422, answer.text
        assert "image" in answer.json()["error"]["message"]
    assert service.post("/recommend", files={"image": picture}).status_code == 200
