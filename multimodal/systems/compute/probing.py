"""`probe`: which way of computing is fastest on this processor, of those that name the same hashtags."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import torch

from data_loaders.bulk.progress import Bar, progress_bar
from data_loaders.errors import UserError
from data_loaders.posts import Post
from multimodal.memory.post_memory import PostMemory
from multimodal.systems.base import System
from multimodal.systems.compute.names import WAYS, Way
from multimodal.systems.compute.questions import as_questions, drawn_posts
from multimodal.systems.compute.ways import use_compute
from multimodal.systems.model_folder import LoadedModel, load_model

K = 5
POSTS = 200
LEAST_AGREEMENT = 0.99
# A gain below this is lost in the noise.
_LEAST_GAIN = 0.05
_TIMED, _WARM_UP, _AT_ONCE = 7, 2, 16
_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How one way did.

    Attributes:
        way: of computing.
        ratio: time of one post over that in fp32, median of pairs; None where it could not be tried.
        agreement: share of the posts with the same five hashtags as in fp32, 0..1, or at most that where it is too
            low; None where it was not asked.
        problem: why it is not taken; empty if it may be.
    """

    way: Way
    ratio: float | None = None
    agreement: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a probe found.

    Attributes:
        chosen: the fastest way that may be taken.
        posts: how many it asked about.
        tried: every way but fp32.
    """

    chosen: Way
    posts: int
    tried: tuple[Tried, ...]


def probe(path: str | Path, posts: Sequence[Post] | None = None) -> Probe:
    """Try every way of computing on a model, on the CPU.

    A way is taken if at least 99 % of the posts get the same five hashtags as in fp32, in any order, and it is faster.

    Args:
        path: run folder, its `model/` folder, or a Hub id.
        posts: real posts of the kind that it will be asked about, best a hundred or more; None to draw 200.

    Raises:
        UserError: no posts are given, or there is no such model.
    """
    exact = load_model(path)
    if posts is not None and not posts:
        raise UserError("probe: no posts were given; give at least one, or none at all to draw some.")
    asked = as_questions(exact.system, exact.memory, drawn_posts(exact.memory, POSTS) if posts is None else posts)
    if not exact.system.encoders():
        return Probe(chosen="fp32", posts=0, tried=())
    with progress_bar("probing this processor", len(WAYS) * len(asked)) as bar:
        expected = [*_best(exact.system, exact.memory, asked, bar)]
        tried = tuple(_try(path, way, exact, asked, expected, bar) for way in WAYS[1:])
    taken = [one for one in tried if not one.problem and one.ratio is not None]
    fastest = min(taken, key=lambda one: one.ratio or 0.0, default=None)
    return Probe(chosen="fp32" if fastest is None else fastest.way, posts=len(asked), tried=tried)


def _try(
    path: str | Path, way: Way, exact: LoadedModel, asked: list[Post], expected: list[frozenset[str]], bar: Bar
) -> Tried:
    try:
        other = load_model(path).system
        use_compute(other, way, _CPU)
    except UserError as error:
        return Tried(way=way, problem=str(error))
    ratio = median(_ratios(other, exact, asked))
    found = Tried(way=way, ratio=ratio)
    if ratio > 1 - _LEAST_GAIN:
        return replace(found, problem="it is not faster")
    agreement = _agreement(other, exact, asked, expected, bar)
    few = f"only {agreement:.1%} of the posts get the same hashtags, {LEAST_AGREEMENT:.0%} are needed"
    return replace(found, agreement=agreement, problem="" if agreement >= LEAST_AGREEMENT else few)


def _ratios(other: System, exact: LoadedModel, asked: list[Post]) -> list[float]:
    """Return the time of one post over that in fp32, in pairs, so that the noise of a busy machine hits both."""
    ratios = []
    for turn in range(-_WARM_UP, _TIMED):
        post = asked[turn % len(asked)]
        seconds = [_seconds(system, post, exact.memory) for system in (other, exact.system)]
        if turn >= 0:
            ratios.append(seconds[0] / seconds[1])
    return ratios


def _seconds(system: System, post: Post, memory: PostMemory) -> float:
    started = time.perf_counter()
    system.rank([post], memory, K)
    return time.perf_counter() - started


def _agreement(other: System, exact: LoadedModel, asked: list[Post], expected: list[frozenset[str]], bar: Bar) -> float:
    """Return the share of the posts with the same best hashtags; where too few have, so much at most."""
    differing, most = 0, (1 - LEAST_AGREEMENT) * len(asked)
    for found, right in zip(_best(other, exact.memory, asked, bar), expected, strict=True):
        differing += found != right
        if differing > most:
            break
    return 1 - differing / len(asked)


def _best(system: System, memory: PostMemory, asked: list[Post], bar: Bar) -> Iterator[frozenset[str]]:
    for start in range(0, len(asked), _AT_ONCE):
        part = asked[start : start + _AT_ONCE]
        yield from (frozenset(hashtag for hashtag, _ in ranking) for ranking in system.rank(part, memory, K))
        bar.advance(len(part))
