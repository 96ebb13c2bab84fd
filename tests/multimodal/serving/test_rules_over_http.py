"""Rules that are kept and orders of hashtags, over HTTP."""

from __future__ import annotations

import json

import pytest

from multimodal import Recommender


def told(answer):
    return [one.to_dict() for one in answer]


class TestRulesOfUsers:
    def test_they_are_kept_obeyed_lifted_and_removed(self, client, tmp_path, habit_run):
        memory = str(tmp_path / "memory.sqlite")
        service = client(memory=memory)
        path = "/rules/a%2Fb%20%C3%BC"
        assert service.get(path).json() == {}
        given = {"always": ["My Shop"], "never": ["#Sea", "s*"], "only": "known"}
        kept = {"always": ["myshop"], "never": ["sea", "s*"], "only": "known"}
        assert service.put(path, json=given).json() == kept
        # Another replica of the service knows them.
        assert client(memory=memory).get(path).json() == kept
        question = {"user_id": "a/b ü", "k": 4}
        names = [one["hashtag"] for one in service.post("/recommend", json=question).json()["recommendations"]]
        assert names[0] == "myshop"
        assert not any(name.startswith("s") for name in names)
        lifted = {**question, "only": "any", "always": [], "never": []}
        answer = service.post("/recommend", json=lifted).json()["recommendations"]
        assert answer == told(Recommender.from_pretrained(habit_run).recommend(user_id="new", k=4))
        assert service.put(path, json={"never": ["tea"]}).json() == {"never": ["tea"]}
        assert service.delete(path).json() == {}
        assert service.get(path).json() == {}

    def test_forgetting_a_user_forgets_the_rules(self, client):
        service = client()
        service.put("/rules/ann", json={"never": ["tea"]})
        assert service.get("/users/ann").status_code == 200
        service.delete("/users/ann")
        assert service.get("/rules/ann").json() == {}

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"never": ["ad"], "always": ["ad"]}, "always: 'ad' is also among never"),
            ({"nevr": ["ad"]}, "nevr: unknown key. Did you mean 'never'?"),
            ({"language": "english"}, "language: 'english'"),
            ({"never": "ad"}, "never: Input should be a valid array"),
        ],
    )
    def test_mistakes(self, client, given, message):
        service = client()
        answer = service.put("/rules/ann", json=given)
        assert answer.status_code == 422
        assert message in answer.json()["error"]["message"]
        assert service.get("/rules/ann").json() == {}

    def test_they_are_behind_the_key(self, client):
        service = client(api_key="secret")
        assert service.put("/rules/ann", json={"never": ["ad"]}).status_code == 401
        assert service.get("/rules/ann").status_code == 401

    def test_users_and_models_that_are_none(self, client):
        service = client()
        assert "names nobody; give the id of a user" in service.get("/rules/%20").json()["error"]["message"]
        assert service.get("/rules/ann?model=no").status_code == 404


class TestRerank:
    @pytest.mark.parametrize(
        "rerank", [{"diversity": 0.7}, {"method": "dpp", "diversity": 0.3, "popularity": 0.2}, {"one_of_each": True}]
    )
    def test_as_the_recommender_does(self, client, habit_run, rerank):
        recommender, service = Recommender.from_pretrained(habit_run), client()
        user = recommender.memory.user_ids[0]
        question = {"user_id": user, "k": 5, "rerank": rerank}
        right = told(recommender.recommend(**question))
        assert service.post("/recommend", json=question).json()["recommendations"] == right
        form = {"user_id": user, "k": "5", "rerank": json.dumps(rerank)}
        answer = service.post("/recommend", files={name: (None, value) for name, value in form.items()})
        assert answer.json()["recommendations"] == right
        batch = service.post("/recommend/batch", json={"posts": [{"user_id": user}], "k": 5, "rerank": rerank})
        assert batch.json()["answers"][0]["recommendations"] == right

    @pytest.mark.parametrize(
        ("rerank", "message"),
        [
            ({"diversity": 2}, "rerank.diversity: Input should be less than or equal to 1"),
            ({"method": "best"}, "rerank.method: Input should be 'mmr' or 'dpp'"),
            ({"pool": 0}, "rerank.pool: Input should be greater than or equal to 1"),
            ({"diverse": 1}, "rerank.diverse: unknown key. Did you mean 'diversity'? Accepted here: method, "),
        ],
    )
    def test_mistakes(self, client, rerank, message):
        answer = client().post("/recommend", json={"user_id": "ann", "rerank": rerank})
        assert (answer.status_code, message in answer.json()["error"]["message"]) == (422, True)
