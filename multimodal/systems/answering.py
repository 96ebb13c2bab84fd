"""From a System's rankings to answers: rules, list lengths, probabilities."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import UserError, short_repr
from data_loaders.posts import Post
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.explanation import Explanation, Source
from multimodal.ranking.list_length import AutoLength
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.recommendation import Recommendation
from multimodal.ranking.reranking import Reranking, reordered
from multimodal.ranking.rules.post_rules import Entry, PostRules
from multimodal.systems.base import System

OnShort: TypeAlias = Literal["raise", "fewer"]


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How a call wants its answers.

    Attributes:
        length: how many hashtags each, or how that is chosen.
        include_caption_hashtags: whether hashtags of a caption are allowed.
        rules: of the call.
        on_short: what to do where fewer can be recommended.
        explain: whether to say what brought each hashtag.
        rerank: how the best hashtags are reordered; None to keep the ranking.
    """

    length: int | AutoLength
    include_caption_hashtags: bool
    rules: Mapping[str, Any]
    on_short: OnShort = "raise"
    explain: bool = False
    rerank: Reranking | None = None

    @property
    def fewest(self) -> int:
        """How many hashtags each answer has at least."""
        return self.length if isinstance(self.length, int) else self.length.minimum


def answers(
    system: System,
    queries: Sequence[Post],
    memory: PostMemory,
    excluded: Sequence[AbstractSet[str]],
    rules: Sequence[PostRules] | None,
    options: AnswerOptions,
) -> list[list[Recommendation]]:
    """Return the recommendations for B posts.

    Args:
        system: fitted.
        queries: B posts as `System.rank` takes them.
        memory: of the System.
        excluded: per post, hashtags that must not be recommended.
        rules: of each post, which know these too; None for none.
        options: how the call wants them.

    Raises:
        UserError: fewer hashtags can be recommended for a post than were requested.
    """
    named = {hashtag for one in rules or () for hashtag in one.named if hashtag not in memory.id_map}
    most = len(memory.id_map) + len(named)
    k = check_k(options.fewest, most, options.on_short)
    depth = k if isinstance(options.length, int) else min(options.length.depth, most)
    deepest = max((one.depth(depth) for one in rules or ()), default=depth)
    if options.rerank is not None:
        deepest = max(deepest, min(options.rerank.pool, most))
    if rules is not None:
        _check_always(queries, rules, options)
        excluded = [one.barred for one in rules]
    explanations: list[list[Explanation]] | None = None
    if options.explain:
        rankings, explanations = system.rank_explained(queries, memory, deepest, excluded)
    else:
        rankings = system.rank(queries, memory, deepest, excluded)
    lists = list(rankings) if options.rerank is None else _reordered(queries, rankings, memory, options.rerank, deepest)
    if rules is None:
        entries = [[Entry(hashtag, score, hashtag) for hashtag, score in ranking[:depth]] for ranking in lists]
    else:
        entries = [one.listed(ranking, depth) for one, ranking in zip(rules, lists, strict=True)]
    if isinstance(options.length, AutoLength):
        lengths = options.length.of(_scores(entries, depth)).tolist()
        always = [0] * len(entries) if rules is None else [len(one.always) for one in rules]
        longest = options.length.longest
        entries = [row[: min(max(pair), longest)] for row, *pair in zip(entries, lengths, always, strict=True)]
    if options.on_short == "raise":
        _refuse_short(queries, entries, k, "" if rules is None else " by the rules")
    explained = _by_hashtag(rankings, explanations) if options.explain else None
    return [
        [_recommendation(system, entry, None if explained is None else explained[row]) for entry in entries_of_row]
        for row, entries_of_row in enumerate(entries)
    ]


def _reordered(
    queries: Sequence[Post], rankings: Rankings, memory: PostMemory, settings: Reranking, k: int
) -> list[list[tuple[str, float]]]:
    return [reordered(ranking, settings, memory, query, k) for query, ranking in zip(queries, rankings, strict=True)]


def _check_always(queries: Sequence[Post], rules: Sequence[PostRules], options: AnswerOptions) -> None:
    if options.on_short != "raise":
        return
    for query, one in zip(queries, rules, strict=True):
        which = f" for {query.post_id}" if len(queries) > 1 else ""
        if isinstance(options.length, AutoLength):
            one.check_auto(options.length, which)
        else:
            one.check(options.length, which)


def _refuse_short(queries: Sequence[Post], entries: Sequence[Sequence[Entry]], k: int, why: str) -> None:
    for query, row in zip(queries, entries, strict=True):
        if len(row) < k:
            which = f" for {query.post_id}" if len(queries) > 1 else ""
            raise UserError(f"k: {k} hashtags were requested{which}, but only {len(row)} can be recommended{why}.")


def _scores(entries: Sequence[Sequence[Entry]], depth: int) -> NDArray[np.float64]:
    scores = np.full((len(entries), depth), np.nan)
    for row, entries_of_row in zip(scores, entries, strict=True):
        row[: len(entries_of_row)] = [entry.score for entry in entries_of_row]
    return scores


def _by_hashtag(rankings: Rankings, explanations: list[list[Explanation]] | None) -> list[dict[str, Explanation]]:
    if explanations is None:
        return [{} for _ in range(len(rankings))]
    ranked = ([hashtag for hashtag, _ in ranking] for ranking in rankings)
    return [dict(zip(hashtags, row, strict=True)) for hashtags, row in zip(ranked, explanations, strict=True)]


def _recommendation(system: System, entry: Entry, explained: Mapping[str, Explanation] | None) -> Recommendation:
    calibration = None if entry.ranked is None else system.calibration
    probability = None if calibration is None else float(calibration.of([entry.score])[0])
    sources = None if explained is None or entry.ranked is None else explained.get(entry.ranked)
    if explained is not None and entry.rule is not None:
        sources = (*(sources or ()), Source(entry.rule, 0.0))
    return Recommendation(entry.hashtag, entry.score, probability, sources)


def check_k(k: int, most: int | None = None, on_short: OnShort = "raise") -> int:
    """Return a number of hashtags; an impossible one is refused.

    Args:
        k: the value given.
        most: how many hashtags there are; None where that does not matter yet.
        on_short: whether a number above `most` is refused (`raise`) or lowered to it (`fewer`).

    Raises:
        UserError: `k` is not a whole number from 1 to `most`.
    """
    try:
        number = None if isinstance(k, (bool, np.bool_)) else operator.index(k)
    except TypeError:
        number = None
    if number is None:
        raise UserError(
            f"k: {short_repr(k)} is not a whole number; give how many hashtags to recommend, at least 1, or 'auto'."
        )
    if number < 1:
        raise UserError(f"k: {short_repr(number)} hashtags cannot be recommended; give at least 1.")
    if most is None:
        return number
    if number > most and on_short == "raise":
        raise UserError(f"k: {short_repr(number)} hashtags were requested, but only {most} can be recommended.")
    return min(number, most)
