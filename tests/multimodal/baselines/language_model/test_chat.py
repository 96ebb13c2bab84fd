"""One question to a stub of an endpoint: good answers, bad ones, none, and what it costs."""

from __future__ import annotations

import json
import socket

import pytest
from chat_stub import chat_stub

from multimodal.baselines.language_model.chat import ChatEndpoint, Unanswered
from multimodal.baselines.language_model.config import KEY_VARIABLE, BudgetConfig, EndpointConfig

QUESTION = [{"role": "user", "content": "which?"}]


@pytest.fixture
def stub():
    with chat_stub() as stub:
        stub.answers = ["fine"]
        yield stub


def endpoint(url, budget=None, **settings):
    return ChatEndpoint(url, EndpointConfig(**{"wait_s": 0, **settings}), BudgetConfig(**(budget or {})))


def test_what_is_sent_and_what_comes_back(stub, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, "secret")
    asked = endpoint(stub.url, model="small", answer_tokens=7)
    assert asked.ask(QUESTION) == ("fine", 100)
    ((path, headers, body),) = stub.requests
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", "Bearer secret")
    assert body == {"model": "small", "messages": QUESTION, "temperature": 0.0, "max_tokens": 7}
    assert (asked.calls, asked.tokens, asked.failures) == (1, 100, 0)


def test_without_a_key_none_is_sent(stub, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    endpoint(stub.url).ask(QUESTION)
    assert "Authorization" not in stub.requests[0][1]


@pytest.mark.parametrize("status", [429, 500, 503, None])
def test_it_is_tried_again(stub, status):
    stub.answers = [(status, "later"), (status, "later"), "fine"]
    asked = endpoint(stub.url, retries=2)
    assert asked.ask(QUESTION).text == "fine"
    assert asked.calls == len(stub.requests) == 3


@pytest.mark.parametrize(("status", "reason"), [(429, "status 429"), (500, "status 500"), (None, "no answer: ")])
def test_until_the_tries_are_used_up(stub, status, reason):
    stub.answers = [(status, "never")]
    asked = endpoint(stub.url, retries=1)
    with pytest.raises(Unanswered, match=rf"{reason}.*\(2 tries\)"):
        asked.ask(QUESTION)
    assert (asked.calls, asked.failures) == (2, 1)


@pytest.mark.parametrize("status", [400, 401, 404, 302])
def test_what_will_not_change_is_not_tried_again_and_redirects_are_not_followed(stub, status):
    stub.answers = [(status, "no")]
    with pytest.raises(Unanswered, match=f"the endpoint answered with status {status}$"):
        endpoint(stub.url, retries=5).ask(QUESTION)
    assert len(stub.requests) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{"message": null}]}', b"\xff", b"[" * 100_000],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_chat_completion(stub, body):
    stub.answers = [(200, body)]
    with pytest.raises(Unanswered, match="the endpoint's answer is not a chat completion"):
        endpoint(stub.url).ask(QUESTION)


@pytest.mark.parametrize("content", [None, 7, ["a"]])
def test_an_answer_without_text(stub, content):
    stub.answers = [(200, json.dumps({"choices": [{"message": {"content": content}}]}).encode())]
    with pytest.raises(Unanswered, match="the endpoint's answer has no text"):
        endpoint(stub.url).ask(QUESTION)


def test_an_endpoint_that_stays_silent_is_given_up_after_the_time_limit():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unanswered, match=r"no answer: timed out \(1 tries\)"):
            endpoint(url, retries=0, timeout_s=0.05).ask(QUESTION)


def test_no_endpoint_at_all():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(Unanswered, match=r"no answer: .*refused"):
            endpoint(url, retries=0).ask(QUESTION)


class TestBudget:
    def test_of_calls_further_tries_included(self, stub):
        stub.answers = [(500, "later")]
        asked = endpoint(stub.url, {"calls": 2}, retries=5)
        with pytest.raises(Unanswered, match=r"the budget of 2 calls is spent \(budget.calls\)"):
            asked.ask(QUESTION)
        assert len(stub.requests) == 2

    def test_of_tokens(self, stub):
        asked = endpoint(stub.url, {"tokens": 150})
        asked.ask(QUESTION)
        asked.ask(QUESTION)
        with pytest.raises(Unanswered, match=r"the budget of 150 tokens is spent \(budget.tokens\)"):
            asked.ask(QUESTION)
        assert len(stub.requests) == 2

    def test_failures_in_a_row_end_it_and_an_answer_counts_them_anew(self, stub):
        stub.answers = [(404, "no"), "fine", (404, "no"), (404, "no"), "fine"]
        asked = endpoint(stub.url, {"failures": 2})
        texts = []
        for _ in range(5):
            try:
                texts.append(asked.ask(QUESTION).text)
            except Unanswered as error:
                texts.append(str(error))
        assert texts[1] == "fine"
        assert texts[4] == "2 questions in a row had no answer (budget.failures)"
        assert len(stub.requests) == 4
