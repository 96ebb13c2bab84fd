"""`ServiceSettings`: which models are served, and the limits of a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_loaders.errors import UserError
from multimodal.systems.compute.names import Compute

_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """A model to serve.

    Attributes:
        name: by which requests name it.
        path: run folder, its `model/` folder, or a Hugging Face Hub id.
        memory: SQLite file or URL of what it remembers; None for a memory that ends with the process.
    """

    name: str
    path: str
    memory: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a request may ask for; each limit has its own status code and sentence.

    Attributes:
        body_bytes: of a request, 413 above.
        body_s: within which a body has to arrive, 408 after that, and the rest of an answer has to be read, seconds.
        headers_s: within which the headers have to arrive before the connection is closed, seconds.
        pixels: of a picture, 422 above.
        request_pixels: of all pictures of a request as they are decoded, large JPEGs at a smaller scale; 422 above.
        caption_characters: 422 above.
        hashtags: the largest k, 422 above.
        history_posts: given with one post, 422 above.
        batch_posts: in one request, 422 above.
        waiting_posts: in the queue of a model, 503 with Retry-After above.
        answer_s: until an answer is given up, 504, seconds.
        posts_at_once: that share a forward pass.
        at_once_s: that those may take, by the ones before, seconds.
        connections: open at the same time, 503 above.
    """

    body_bytes: int = 32 * _MEBIBYTE
    body_s: float = 30.0
    headers_s: float = 10.0
    pixels: int = 50_000_000
    request_pixels: int = 400_000_000
    caption_characters: int = 20_000
    hashtags: int = 100
    history_posts: int = 1_000
    batch_posts: int = 256
    waiting_posts: int = 512
    answer_s: float = 30.0
    posts_at_once: int = 32
    at_once_s: float = 1.0
    connections: int = 1_000

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not value > 0:
                raise UserError(f"{name}: {value} is not a limit; give a number above 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """How the service runs.

    Attributes:
        models: at least one; the first answers where a request names none.
        limits: of requests.
        api_key: that requests have to carry; None for none.
        origins: of web pages that browsers let ask, for instance `https://example.org`; none by default.
        device: where models run; None for CUDA if available, else the CPU.
        compute: how their encoders compute, see `Recommender.from_pretrained`; None for fp32.
        keep_captions: keep the captions of observed posts in the log of the memory.
    """

    models: Sequence[ModelSource]
    limits: Limits = field(default_factory=Limits)
    api_key: str | None = None
    origins: Sequence[str] = ()
    device: str | None = None
    compute: Compute | None = None
    keep_captions: bool = False

    def __post_init__(self) -> None:
        names = [model.name for model in self.models]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UserError(f"model names have to differ, but {', '.join(map(repr, twice))} is given more than once.")
        if not names:
            raise UserError("no model is given; give at least one run folder.")


def model_sources(runs: Sequence[str], memories: Sequence[str]) -> list[ModelSource]:
    """Return the models that a command line names.

    Args:
        runs: `PATH` or `NAME=PATH` each; a path alone is named after its last part.
        memories: `URL` where there is one run, `NAME=URL` where there are several.

    Raises:
        UserError: a memory is given for no run, for two, or without a name where there are several runs.
    """
    paths = dict(_named(run, Path(run).name or run) for run in runs)
    if len(paths) < len(runs):
        raise UserError("two runs have the same name; name them: --run first=PATH --run second=PATH.")
    only = next(iter(paths)) if len(paths) == 1 else ""
    kept = dict(_memory(memory, paths, only) for memory in memories)
    return [ModelSource(name=name, path=path, memory=kept.get(name)) for name, path in paths.items()]


def _memory(given: str, names: dict[str, str], only: str) -> tuple[str, str]:
    name, memory = _named(given, only)
    # A URL may hold an equals sign of its own.
    if name not in names:
        name, memory = only, given
    if not name:
        raise UserError(f"memory {given!r} names no model; with several runs give --memory NAME=URL.")
    return name, memory


def _named(given: str, name: str) -> tuple[str, str]:
    before, sign, after = given.partition("=")
    return (before, after) if sign and before and after and "/" not in before else (name, given)
