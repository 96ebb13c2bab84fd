"""Records that repeat the post of someone else: retweets of Twitter, boosts of Mastodon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_loaders.readers.base import Rejected
from data_loaders.readers.json_values import at, identifier

# API 1.1, GraphQL, snscrape, Mastodon: the post that is repeated.
_OBJECTS = ("retweeted_status", "retweeted_status_result", "retweetedTweet", "reblog")
_IDS = ("id", "id_str")
# API 2: a list that says how each post is referred to.
_REFERENCES, _RETWEETED = "referenced_tweets", "retweeted"


def repeated_post(record: Mapping[str, Any]) -> str | None:
    """Return the key under which a record holds the post of someone else that it repeats; None for the user's own.

    >>> repeated_post({"id": 1, "reblog": {"id": 2}}), repeated_post({"id": 1, "reblog": None})
    ('reblog', None)
    """
    for place in (record, record.get("legacy")):
        if isinstance(place, dict):
            for key in _OBJECTS:
                if isinstance(place.get(key), dict) and place[key]:
                    return key
    references = record.get(_REFERENCES)
    repeats = isinstance(references, list) and any(at(one, "type") == _RETWEETED for one in references)
    return _REFERENCES if repeats else None


def repeated_ids(tree: Mapping[str, Any]) -> list[str]:
    """Return the columns inside of structures that hold the ids of posts which rows repeat.

    Args:
        tree: the columns of a table, with those of each structure as a mapping.

    >>> repeated_ids({"id": None, "reblog": {"id": None, "content": None}})
    ['reblog.id']
    """
    inside = {key: tree[key] for key in _OBJECTS if isinstance(tree.get(key), Mapping)}
    return [f"{key}.{name}" for key, names in inside.items() for name in _IDS if name in names]


def repost_refused(where: str, key: str, post_id: Any) -> Rejected:
    """Return the refusal of a record.

    Args:
        where: file and line of the record.
        key: where it holds the post of someone else.
        post_id: its own id, as it was found.
    """
    return Rejected(
        where=where,
        reason="retweet",
        detail=f"The post repeats someone else's, which it holds in {key!r}; accepted: posts that their user wrote.",
        post_id=None if identifier(post_id) is None else str(post_id),
    )
