"""The question to a language model, and what is made of its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from data_loaders.text.hashtags import canonical_list

_TASK = (
    "You choose hashtags for posts in social media. You are given the caption of a post and a numbered list of "
    "hashtags, each with the reasons why it may fit: the author used it before, similar posts have it, many people use "
    "it now. Answer with a JSON list of the hashtags that the author would most likely use, the likeliest first, such "
    'as ["sea", "summer"]. Choose only from the list, at most {count}, and write nothing else.'
)
_NO_CAPTION = "(the post has no caption)"
_LIST = re.compile(r"\[[^\[\]]*\]")
_LONGEST_CAPTION = 2_000


class Candidate(NamedTuple):
    """A hashtag that may be chosen, with the reasons why it may fit."""

    hashtag: str
    reasons: tuple[str, ...]


class Choice(NamedTuple):
    """What a language model chose.

    Attributes:
        hashtags: among the candidates, in its order, no repeats.
        strangers: how many others it named, which are dropped.
    """

    hashtags: tuple[str, ...]
    strangers: int


def question(caption: str, candidates: Sequence[Candidate], count: int) -> list[Mapping[str, str]]:
    """Return the conversation that asks for at most `count` of the candidates.

    Args:
        caption: cleaned, "" for none; a long one is cut.
        candidates: at least one.
        count: at least 1.
    """
    lines = [f"{number}. {one.hashtag} ({', '.join(one.reasons)})" for number, one in enumerate(candidates, start=1)]
    text = f"Caption: {caption[:_LONGEST_CAPTION] or _NO_CAPTION}\nHashtags:\n" + "\n".join(lines)
    return [{"role": "system", "content": _TASK.format(count=count)}, {"role": "user", "content": text}]


def read_choice(answer: str, candidates: Sequence[Candidate]) -> Choice | None:
    """Return the hashtags that an answer names, None if it holds no list.

    Args:
        answer: a JSON list of hashtags or of their numbers, whatever stands around it.
        candidates: those that were offered.
    """
    names = _named(answer)
    if names is None:
        return None
    offered = {one.hashtag for one in candidates}
    chosen, strangers = dict[str, None](), 0
    for name in names:
        hashtag = _resolved(name, candidates)
        if hashtag in offered:
            chosen[hashtag] = None
        else:
            strangers += 1
    return Choice(tuple(chosen), strangers)


def _named(answer: str) -> list[Any] | None:
    # The last list counts: some models think aloud first.
    for found in reversed(_LIST.findall(answer)):
        try:
            values = json.loads(found)
        except (ValueError, RecursionError):
            continue
        if isinstance(values, list):
            return values
    return None


def _resolved(name: Any, candidates: Sequence[Candidate]) -> str:
    if isinstance(name, int) and not isinstance(name, bool):
        return candidates[name - 1].hashtag if 1 <= name <= len(candidates) else ""
    hashtags = canonical_list([name])[0] if isinstance(name, str) else ()
    return hashtags[0] if hashtags else ""
