"""The configuration of `language_model`."""

from __future__ import annotations

import os
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from data_loaders.errors import ConfigError
from multimodal.baselines.retrieval.config import WORDS, RetrievalConfig
from multimodal.config import Section

URL_VARIABLE, KEY_VARIABLE = "MULTIMODAL_LANGUAGE_MODEL_URL", "MULTIMODAL_LANGUAGE_MODEL_KEY"
_EXAMPLE = "http://localhost:8000/v1"


class EndpointConfig(Section):
    """An endpoint that speaks OpenAI's chat completions; its key comes from the environment alone."""

    url: str | None = Field(default=None, description=f"base URL, as {_EXAMPLE}; null: {URL_VARIABLE}, or off")
    model: str = Field(default="default", min_length=1, description="name of the model at the endpoint")
    temperature: float = Field(default=0.0, ge=0, le=2, description="0: always the likeliest answer")
    answer_tokens: int = Field(default=200, ge=1, le=100_000, description="most tokens of an answer")
    timeout_s: float = Field(default=30.0, gt=0, le=3_600, description="how long an answer may take")
    retries: int = Field(default=2, ge=0, le=10, description="further tries after 429, 5xx, a timeout or no connection")
    wait_s: float = Field(default=1.0, ge=0, le=600, description="wait before the first of them; doubled each time")

    @field_validator("url")
    @classmethod
    def _usable_url(cls, url: str | None) -> str | None:
        return None if url is None else checked_url(url, "url")

    def found_url(self) -> str | None:
        """Return the URL of the configuration, else of the environment; None: off.

        Raises:
            ConfigError: that of the environment is none.
        """
        url = self.url or os.environ.get(URL_VARIABLE)
        try:
            return checked_url(url, URL_VARIABLE) if url else None
        except ValueError as error:
            raise ConfigError(str(error)) from None


class BudgetConfig(Section):
    """What may be spent by one loaded model; answers of the cache cost nothing. Then the order of retrieval is kept."""

    calls: int = Field(default=1_000, ge=0, description="requests, further tries included")
    tokens: int = Field(default=1_000_000, ge=0, description="tokens of questions and answers, as the endpoint counts")
    failures: int = Field(default=5, ge=1, description="unanswered questions in a row after which no more are asked")


class LanguageModelConfig(RetrievalConfig):
    """Configuration of `language_model`: that of the neighbours, the endpoint, and what it chooses from."""

    system: Literal["language_model"] = Field(default="language_model", description="name of the System")
    likeness: dict[str, float] = Field(
        default={WORDS: 1.0}, description="weight of each space in the similarity of two posts; 0: none"
    )
    endpoint: EndpointConfig = EndpointConfig()
    budget: BudgetConfig = BudgetConfig()
    cache: str | None = Field(default=".cache/language_model", description="folder for answers; null: none is kept")
    candidates: int = Field(default=40, ge=1, le=500, description="how many hashtags it may choose from")
    choose: int = Field(default=10, ge=1, le=100, description="how many it is asked for")
    half_life_days: float = Field(default=7, ge=0.001, le=36_500, description="of trends among the candidates")


def checked_url(url: str, name: str) -> str:
    """Return the URL of an endpoint without a slash at its end.

    Raises:
        ValueError: it is not a plain http or https address, or holds a password, which would be saved with the model.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{name}={url!r} is not the address of an endpoint; give one such as {_EXAMPLE}")
    if parts.username or parts.password:
        raise ValueError(f"{name} holds a user or password, which would be saved; give the key as {KEY_VARIABLE}")
    return url.rstrip("/")
