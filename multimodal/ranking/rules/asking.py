"""From the rules of users and calls to those of each post."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from data_loaders.errors import UserError, some_of
from data_loaders.posts import Post
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rules.matches import RuleBook
from multimodal.ranking.rules.post_rules import PostRules
from multimodal.ranking.rules.rules import KNOWN, MINE, Rules, combined
from multimodal.ranking.rules.used_hashtags import FirstUses, own_hashtags


def rules_of_posts(
    posts: Sequence[Post],
    excluded: Sequence[AbstractSet[str]],
    memory: PostMemory,
    given: Mapping[str, Any],
    book: RuleBook,
) -> list[PostRules] | None:
    """Return the rules of each post; None if there are none at all.

    Args:
        posts: B posts.
        excluded: per post, hashtags that it has already.
        memory: has the rules that are stored for users, and what was used.
        given: rules of the call, each in the place of the stored one.
        book: keeps what was found.

    Raises:
        UserError: rules contradict each other, see `read_rules`; or the call asks for a language that no post is in.
    """
    of_all = combined({}, given)
    if of_all.language is not None and of_all.language not in memory.languages:
        raise UserError(f"language: {_no_posts(of_all.language, memory)}")
    stored = [memory.notes.of(post.user_id).rules for post in posts]
    rules = [combined(kept, given) if kept else of_all for kept in stored]
    if all(one == Rules() for one in rules):
        return None
    moments = memory.resolve(np.array([post.instant_us for post in posts], np.int64)).tolist()
    uses: dict[str | None, FirstUses] = {}

    def first_uses(language: str | None) -> FirstUses:
        if language not in uses:
            uses[language] = FirstUses(memory, language)
        return uses[language]

    known = memory.id_map.names
    return [
        PostRules(
            book.matches(one, known),
            already,
            own_hashtags(memory, post.user_id, moment) if one.only == MINE else None,
            first_uses(one.language) if one.only == KNOWN or one.language is not None else None,
            moment,
        )
        for one, post, already, moment in zip(rules, posts, excluded, moments, strict=True)
    ]


def _no_posts(language: str, memory: PostMemory) -> str:
    if not memory.languages:
        return f"no remembered post is known to be in {language!r}: this System finds out none."
    return f"no remembered post is in {language!r}; known: {some_of(sorted(memory.languages), 20)}."
