"""JSON in which a key stands twice."""

from __future__ import annotations

import pytest

from tests.multimodal.serving.test_service_refusals import refused

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/recommend", '{"user_id": "ann", "user_id": "bob"}', 'user_id: given twice in one object'),
        ("POST", "/recommend", '{"user_id": "ann", "k": 3, "k": 3}', "k: given twice in one object"),
        ("POST", "/recommend", '{"user_id": "ann", "replace": {"a": "b", "a": "c"}}', 'a: given twice in one object'),
        ("POST", "/recommend/batch", '{"posts": [{"user_id": "a", "user_id": "b"}]}', "user_id: given twice"),
        ("POST", "/observe", '{"posts": [{"user_id": "a", "user\\u005fid": "b"}]}', "user_id: given twice"),
        ("POST", "/feedback", '{"post_id": "p", "user_id": "a", "added": ["x"], "added": ["y"]}', "added: given twice"),
        ("PUT", "/rules/ann", '{"never": ["a"], "never": []}', 'never: given twice in one object; give it once.'),
    ],
)  # fmt: skip
def test_it_is_refused_and_named(client, method, path, body, message):
    service = client()
    answer = service.request(method, path, content=body, headers=JSON)
    refused(answer, 400, message)
    assert service.get("/users/ann").json()["events"] == []


def test_in_a_field_of_a_form(client):
    given = {"user_id": (None, "ann"), "replace": (None, '{"a": "b", "a": "c"}')}
    refused(client().post("/recommend", files=given), 400, "a: given twice in one object; give it once.")


def test_the_same_key_in_several_objects_is_none(client):
    body = '{"posts": [{"user_id": "a"}, {"user_id": "b"}], "k": 2}'
    assert client().post("/recommend/batch", content=body, headers=JSON).status_code == 200


def test_a_form_writes_numbers_as_texts(client):
    given = {"user_id": (None, "ann"), "k": (None, "2"), "explain": (None, "true"), "never": (None, '["sea"]')}
    assert len(client().post("/recommend", files=given).json()["recommendations"]) == 2


@pytest.mark.parametrize("path", ["/users/%ff", "/users/a%c3", "/rules/%ed%a0%80", "/users/ann?model=%ff"])
def test_an_address_that_is_no_utf_8(client, path):
    service = client()
    for method in ("GET", "DELETE"):
        refused(service.request(method, path), 400, "is not UTF-8; encode ids as UTF-8.")
    assert service.get("/users/%ef%bf%bd").status_code == service.get("/users/%e2%82%ac").status_code == 200
