"""`ChatEndpoint`: one question to an OpenAI-compatible endpoint, with a time limit, further tries and a budget."""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from multimodal.baselines.language_model.config import KEY_VARIABLE, BudgetConfig, EndpointConfig

Messages = Sequence[Mapping[str, str]]
_MOST_ANSWER_BYTES = 2**20
_TRY_AGAIN = (408, 409, 425, 429)
_LONGEST_WAIT_S = 60.0


class Answer(NamedTuple):
    """What an endpoint said.

    Attributes:
        text: of the answer.
        tokens: of question and answer, as the endpoint counts them; 0 if it does not.
    """

    text: str
    tokens: int


class Unanswered(Exception):
    """A question was not answered; the text says why, and never holds the key."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The key is for one host, so it is not sent on to others."""

    def redirect_request(self, *_: Any) -> None:
        return None


class ChatEndpoint:
    """Asks an endpoint, as long as the budget lasts.

    Args:
        url: base URL; `/chat/completions` is added.
        config: of the endpoint.
        budget: of all its questions together.

    Attributes:
        calls: requests so far.
        tokens: used so far.
        failures: unanswered questions in a row.
    """

    def __init__(self, url: str, config: EndpointConfig, budget: BudgetConfig) -> None:
        self._url, self._config, self._budget = f"{url}/chat/completions", config, budget
        self._opener = urllib.request.build_opener(_NoRedirects)
        self.calls = self.tokens = self.failures = 0

    def body(self, messages: Messages) -> dict[str, Any]:
        """Return what is sent, without the key."""
        config = self._config
        settings = {"temperature": config.temperature, "max_tokens": config.answer_tokens}
        return {"model": config.model, "messages": [dict(message) for message in messages], **settings}

    def ask(self, messages: Messages) -> Answer:
        """Return the answer to a conversation.

        Raises:
            Unanswered: the budget is spent, or there is no usable answer after all tries.
        """
        try:
            answer = self._tried(json.dumps(self.body(messages)).encode())
        except Unanswered:
            self.failures += 1
            raise
        self.failures = 0
        self.tokens += answer.tokens
        return answer

    def _tried(self, body: bytes) -> Answer:
        for attempt in range(self._config.retries + 1):
            self._require_budget()
            self.calls += 1
            try:
                return _read(self._send(body))
            except urllib.error.HTTPError as error:
                error.close()
                reason = f"the endpoint answered with status {error.code}"
                if error.code not in _TRY_AGAIN and error.code < 500:
                    raise Unanswered(reason) from None
                asked_wait = error.headers.get("Retry-After")
            except (OSError, http.client.HTTPException) as error:
                reason, asked_wait = f"no answer: {_named(error)}", None
            if attempt < self._config.retries:
                time.sleep(_wait(self._config.wait_s * 2**attempt, asked_wait))
        raise Unanswered(f"{reason} ({self._config.retries + 1} tries)")

    def _require_budget(self) -> None:
        for name, spent, limit in (
            ("calls", self.calls, self._budget.calls),
            ("tokens", self.tokens, self._budget.tokens),
        ):
            if spent >= limit:
                raise Unanswered(f"the budget of {limit:,} {name} is spent (budget.{name})")
        if self.failures >= self._budget.failures:
            raise Unanswered(f"{self.failures} questions in a row had no answer (budget.failures)")

    def _send(self, body: bytes) -> bytes:
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"}, method="POST")
        if key := os.environ.get(KEY_VARIABLE):
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        with self._opener.open(request, timeout=self._config.timeout_s) as response:
            return bytes(response.read(_MOST_ANSWER_BYTES))


def _read(body: bytes) -> Answer:
    """Return the text of a chat completion; whatever else an answer holds is not looked at."""
    try:
        values: Any = json.loads(body)
        text = values["choices"][0]["message"]["content"]
        usage = values.get("usage") or {}
        tokens = usage.get("total_tokens") if isinstance(usage, dict) else 0
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise Unanswered("the endpoint's answer is not a chat completion") from None
    if not isinstance(text, str):
        raise Unanswered("the endpoint's answer has no text")
    return Answer(text, tokens if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0 else 0)


def _wait(own_s: float, asked: str | None) -> float:
    wished = float(asked) if asked and asked.isascii() and asked.isdigit() else 0.0
    return min(max(own_s, wished), _LONGEST_WAIT_S) if own_s else 0.0


def _named(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return " ".join(str(reason or error).split()) or type(error).__name__
