"""Requests drawn from the service's own OpenAPI document, right ones and wrong ones, always the same."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable

schemathesis = pytest.importorskip("schemathesis")
requests = pytest.importorskip("requests")

EXAMPLES = 20
MOST_HASHTAGS = 30


@pytest.fixture
def service(client, tmp_path):
    return client(memory=str(tmp_path / "memory.sqlite"), limits={"hashtags": MOST_HASHTAGS})


@pytest.fixture
def operations(service):
    """The operations, with what a document cannot say of questions and feedback.

    That is who asks, the largest k of this service, whose feedback it is on what, and a hashtag that can be used.
    """
    document = service.get("/openapi.json").json()
    question = document["components"]["schemas"]["RecommendRequest"]
    question["required"] = ["user_id"]
    feedback = document["components"]["schemas"]["FeedbackRequest"]
    feedback["required"] = ["post_id", "user_id", "accepted"]
    feedback["properties"].update(accepted={"enum": [["sea"], ["dusk"]]}, user_id={"enum": ["ann"]})
    feedback["properties"].update(post_id={"enum": ["p1"]}, answer_id={"type": "null"})
    for name in ("RecommendRequest", "BatchRequest"):
        document["components"]["schemas"][name]["properties"]["k"] = {"enum": [1, 5, MOST_HASHTAGS]}
    return [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]


def asked(service, case):
    """Send a request as it would arrive over the network."""
    drawn = case.as_transport_kwargs(base_url="http://testserver")
    names = ("method", "url", "headers", "files", "data", "params", "json")
    sent = requests.Request(**{name: drawn[name] for name in names if name in drawn}).prepare()
    return service.request(sent.method, sent.url, content=sent.body, headers=dict(sent.headers))


def ask_all(service, operation, mode):
    """Ask in many ways; return the statuses that came back."""
    seen = set()

    @seed(0)
    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        answer = asked(service, case)
        seen.add(answer.status_code)
        assert answer.status_code < 500, answer.text
        # An empty name, or one that holds a slash, leads to another route or to none.
        assert str(answer.status_code) in {*operation.definition.raw["responses"], "404", "405", "307"}
        if answer.status_code >= 400:
            error = json.loads(answer.text)["error"]
            assert error["status"] == answer.status_code
            assert error["message"]

    with suppress(Unsatisfiable):  # what takes nothing cannot be asked wrongly
        ask()
    return seen


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
def test_every_request_has_an_answer_that_the_document_knows(service, operations, mode):
    seen = {operation.label: ask_all(service, operation, mode) for operation in operations}
    if mode is schemathesis.GenerationMode.POSITIVE:
        answered = {label for label, statuses in seen.items() if 200 in statuses}
        assert answered == {label for label in seen if not label.endswith("/reload")}
    else:
        assert 422 in seen["POST /recommend"]


class TestDocument:
    def test_a_key_is_asked_for_where_there_is_one(self, client):
        open_document = client().get("/openapi.json").json()
        assert "securitySchemes" not in open_document["components"]
        assert "401" not in open_document["paths"]["/recommend"]["post"]["responses"]
        assert "401" in open_document["paths"]["/models/{name}/reload"]["post"]["responses"]
        closed = client(api_key="secret").get("/openapi.json").json()
        assert closed["paths"]["/recommend"]["post"]["security"] == [{"APIKeyHeader": []}]
        assert "401" in closed["paths"]["/recommend"]["post"]["responses"]
        assert "security" not in closed["paths"]["/health"]["get"]

    def test_lists_and_objects_of_a_form_are_json_and_nothing_is_null(self, client):
        document = client().get("/openapi.json").json()
        form = document["paths"]["/recommend"]["post"]["requestBody"]["content"]["multipart/form-data"]
        assert set(form["encoding"]) == {"only", "never", "always", "replace", "rerank"}
        assert "null" not in str(form["schema"])
        assert form["schema"]["additionalProperties"] is False
        assert {"image", "caption", "user_id", "k"} <= set(form["schema"]["properties"])
