"""What the service answers is what the recommender answers."""

from __future__ import annotations

import base64
import json
import logging

import pytest

from multimodal import Recommender


def told(answer):
    return [one.to_dict() for one in answer]


class TestRecommend:
    def test_as_the_recommender_does(self, client, habit_run, picture):
        recommender, service = Recommender.from_pretrained(habit_run), client()
        user = recommender.memory.user_ids[0]
        for given in ({"user_id": user, "k": 3}, {"caption": "by the sea", "user_id": "new", "k": 7}):
            answer = service.post("/recommend", json=given)
            assert answer.status_code == 200
            assert answer.json()["recommendations"] == told(recommender.recommend(**given))
            assert answer.json()["model"] == "habit"
        history = [{"hashtags": ["lowtide"], "caption": "so calm"}]
        given = {"user_id": "new", "k": 4, "history": history}
        right = recommender.recommend(**given)
        assert right[0].hashtag == "lowtide"
        assert service.post("/recommend", json=given).json()["recommendations"] == told(right)

    def test_a_form_and_base64_say_the_same(self, client, picture):
        service = client()
        text = base64.b64encode(picture).decode()
        as_json = service.post("/recommend", json={"image": text, "caption": "low #tide", "k": 2})
        as_url = service.post(
            "/recommend", json={"image": f"data:image/jpeg;base64,{text}", "caption": "low #tide", "k": 2}
        )
        form = {"caption": "low #tide", "k": "2", "history": "", "user_id": ""}
        as_form = service.post("/recommend", data=form, files={"image": ("a.jpg", picture, "image/jpeg")})
        assert as_json.status_code == as_form.status_code == 200
        answers = [answer.json()["recommendations"] for answer in (as_json, as_url, as_form)]
        assert answers[0] == answers[1] == answers[2]
        assert len(answers[0]) == 2

    def test_the_sources_of_an_answer(self, client, habit_run):
        recommender = Recommender.from_pretrained(habit_run)
        given = {"user_id": recommender.memory.user_ids[0], "k": 3, "explain": True}
        answer = client().post("/recommend", json=given).json()["recommendations"]
        assert answer == told(recommender.recommend(**given))
        assert answer[0]["sources"][0]["posts"]

    def test_rules_are_obeyed(self, client, habit_run):
        recommender = Recommender.from_pretrained(habit_run)
        rules = {"always": ["mine"], "never": ["s*"], "replace": {"tea": "coffee"}, "k": 6}
        answer = client().post("/recommend", json={"user_id": "new", **rules}).json()
        assert answer["recommendations"] == told(recommender.recommend(user_id="new", **rules))
        names = [one["hashtag"] for one in answer["recommendations"]]
        assert names[0] == "mine"
        assert not any(name.startswith("s") or name == "tea" for name in names)

    def test_the_history_of_a_form_is_json(self, client):
        data = {"user_id": "new", "k": "1", "history": json.dumps([{"hashtags": ["lowtide"]}])}
        # A form without a file has to be asked for.
        answer = client().post("/recommend", files={name: (None, value) for name, value in data.items()})
        assert answer.json()["recommendations"][0]["hashtag"] == "lowtide"

    def test_a_batch_answers_each(self, client, habit_run):
        recommender = Recommender.from_pretrained(habit_run)
        posts = [{"caption": "sea"}, {"user_id": "ann"}, {}, {"image": "no base64!"}]
        answers = client().post("/recommend/batch", json={"posts": posts, "k": 3}).json()["answers"]
        assert [answer.get("recommendations") for answer in answers[:2]] == [
            told(recommender.recommend(**post, k=3)) for post in posts[:2]
        ]
        assert "nothing to recommend for" in answers[2]["error"]["message"]
        assert answers[3]["error"] == {
            "status": 422, "message": "image: not base64; give the bytes of a picture file in base64."
        }  # fmt: skip


class TestMemory:
    def test_what_is_observed_counts_at_once_and_is_kept(self, client, tmp_path, picture):
        memory = str(tmp_path / "memory.sqlite")
        service = client(memory=memory)
        one = {"post_id": "n1", "user_id": "newt", "caption": "wow", "hashtags": ["brandnew"]}
        assert service.post("/observe", json=one).json()["observed"] == 1
        several = {
            "posts": [{"user_id": "newt", "hashtags": ["second"]}, {"user_id": "newt", "hashtags": ["brandnew"]}]
        }
        assert service.post("/observe", json=several).json()["observed"] == 2
        form = {"user_id": "newt", "hashtags": '["brandnew"]'}
        assert service.post("/observe", data=form, files={"image": picture}).status_code == 200
        for where in (service, client(memory=memory)):
            answer = where.post("/recommend", json={"user_id": "newt", "k": 2}).json()
            assert [one["hashtag"] for one in answer["recommendations"]] == ["brandnew", "second"]
        again = service.post("/observe", json=one)
        assert again.status_code == 422
        assert "post 'n1' is already remembered" in again.json()["error"]["message"]

    def test_hashtags_that_cannot_be_remembered_are_listed(self, client):
        service = client()
        answer = service.post("/observe", json={"user_id": "ann", "hashtags": ["123", "!!", "", "#Ok"]}).json()
        assert (answer["observed"], answer["dropped_hashtags"]) == (1, ["123", "!!"])
        posts = [{"user_id": "ann", "hashtags": ["1"]}, {"user_id": "bob"}, {"user_id": "bob", "hashtags": ["?"]}]
        assert service.post("/observe", json={"posts": posts}).json()["dropped_hashtags"] == ["1", "?"]
        assert service.post("/observe", json={"user_id": "ann", "hashtags": ["sea"]}).json().keys() == {
            "observed",
            "remembered",
        }

    def test_feedback_export_and_forget(self, client, tmp_path):
        service = client(memory=str(tmp_path / "memory.sqlite"))
        service.post("/observe", json={"post_id": "n1", "user_id": "a/b ü", "hashtags": ["brandnew"]})
        answer = service.post("/recommend", json={"user_id": "a/b ü", "k": 2}).json()
        shown = [one["hashtag"] for one in answer["recommendations"]]
        given = {"answer_id": answer["answer_id"], "accepted": shown[:1], "rejected": shown[1:], "added": ["Mine"]}
        assert service.post("/feedback", json=given).json() == {"kept": True}
        exported = service.get("/users/a%2Fb%20%C3%BC").json()
        text = json.dumps(exported)
        assert all(word in text for word in ("brandnew", "mine", *shown))
        assert service.delete("/users/a%2Fb%20%C3%BC").json() == {"posts": 1}
        assert service.post("/feedback", json=given).status_code == 404
        answer = service.post("/recommend", json={"user_id": "a/b ü", "k": 2}).json()
        assert "brandnew" not in [one["hashtag"] for one in answer["recommendations"]]

    def test_feedback_names_one_thing(self, client):
        answer = client().post("/feedback", json={"accepted": ["sea"]})
        assert answer.json() == {"error": {"status": 422, "message": "give either answer_id or post_id."}}
        unknown = client().post("/feedback", json={"answer_id": "nothing", "accepted": ["sea"]})
        assert "answer 'nothing' is not known here" in unknown.json()["error"]["message"]


class TestOperation:
    def test_health_models_and_metrics(self, client):
        service = client()
        assert service.get("/health").json() == {"status": "ok"}
        assert service.get("/ready").json() == {"status": "ready"}
        (model,) = service.get("/models").json()["models"]
        assert (model["name"], model["system"], model["memory"]) == ("habit", "user_habit", "process")
        service.post("/recommend", json={"user_id": "ann"})
        text = service.get("/metrics").text
        assert 'hashtags_requests_total{route="/recommend",status="200"} 1.0' in text
        assert 'hashtags_batch_posts_count{model="habit"} 1.0' in text
        assert f'hashtags_remembered_posts{{model="habit"}} {float(model["remembered"])}' in text

    def test_ready_only_while_it_runs(self, settings):
        from starlette.testclient import TestClient

        from multimodal.serving.app import create_app

        answer = TestClient(create_app(settings())).get("/ready")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"

    def test_a_model_is_loaded_again(self, client):
        service = client(api_key="secret")
        key = {"X-API-Key": "secret"}
        before = service.post("/recommend", json={"user_id": "ann"}, headers=key).json()
        assert service.post("/models/habit/reload", headers=key).status_code == 200
        assert (
            service.post("/recommend", json={"user_id": "ann"}, headers=key).json()["recommendations"]
            == (before["recommendations"])
        )
        assert "model 'x' is not served; accepted: habit" in service.post("/models/x/reload", headers=key).text

    def test_without_a_key_nobody_loads_models(self, client):
        answer = client().post("/models/habit/reload")
        assert answer.status_code == 401
        assert "only where an API key is set" in answer.json()["error"]["message"]

    def test_the_log_holds_neither_captions_nor_users(self, client, caplog):
        service = client()
        with caplog.at_level(logging.INFO):
            service.post("/recommend", json={"user_id": "mallory", "caption": "hush hush"})
            service.get("/users/mallory")
            service.post("/recommend", json={"user_id": "mallory", "k": 0})
        lines = [json.loads(record.getMessage()) for record in caplog.records if "request" in record.getMessage()]
        assert [(line["route"], line["status"]) for line in lines] == [
            ("/recommend", 200), ("/users/{user_id:path}", 200), ("/recommend", 422)
        ]  # fmt: skip
        own = [record.getMessage() for record in caplog.records if record.name.startswith("multimodal")]
        assert not any(word in line for line in own for word in ("mallory", "hush"))

    def test_pages_ask_only_where_they_are_let(self, client):
        origin = {"Origin": "https://example.org"}
        assert "access-control-allow-origin" not in client().get("/health", headers=origin).headers
        answer = client(origins=["https://example.org"]).get("/health", headers=origin)
        assert answer.headers["access-control-allow-origin"] == "https://example.org"

    def test_the_description_names_every_body(self, client):
        described = client().get("/openapi.json").json()
        schemas = described["components"]["schemas"]
        for path in ("/recommend", "/recommend/batch", "/observe", "/feedback"):
            content = described["paths"][path]["post"]["requestBody"]["content"]
            assert content["application/json"]["schema"]["$ref"].rpartition("/")[2] in schemas
        assert "multipart/form-data" in described["paths"]["/recommend"]["post"]["requestBody"]["content"]

    def test_a_model_that_is_not_there(self, settings):
        from starlette.testclient import TestClient

        from data_loaders.errors import UserError
        from multimodal.serving.app import create_app
        from multimodal.serving.settings import ModelSource, ServiceSettings

        app = create_app(ServiceSettings(models=[ModelSource(name="x", path="nowhere/at/all")]))
        with pytest.raises(UserError, match="nowhere/at/all"):
            TestClient(app).__enter__()
