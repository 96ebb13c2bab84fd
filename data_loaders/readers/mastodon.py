"""Statuses of Mastodon, whose `content` is HTML: https://docs.joinmastodon.org/entities/Status/."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from data_loaders.text.html_text import holds_tags, text_of_html

_CONTENT, _ACCOUNT = "content", "account"
_OTHERS = frozenset(
    {"uri", "tags", "visibility", "spoiler_text", "media_attachments", "reblog", "reblogs_count", "favourites_count"}
)


def are_statuses(names: Iterable[str], found: Mapping[str, str]) -> bool:
    """Return whether records are statuses of Mastodon, and their captions the content of these.

    Args:
        names: their keys, or the columns of a table; `account.id` stands for `account`.
        found: those of the fields.

    >>> are_statuses(["id", "content", "account.id", "uri"], {"caption": "content"})
    True
    >>> are_statuses(["id", "content", "author", "tags"], {"caption": "content"})
    False
    """
    outermost = {name.partition(".")[0] for name in names}
    return found.get("caption") == _CONTENT and _ACCOUNT in outermost and not outermost.isdisjoint(_OTHERS)


def status_text(content: Any) -> Any:
    """Return the text of a status as it is read; anything but HTML as it is.

    >>> status_text("<p>I &lt;3 low tide</p>"), status_text("I <3 low tide"), status_text(None)
    ('I <3 low tide', 'I <3 low tide', None)
    """
    return text_of_html(content) if isinstance(content, str) and holds_tags(content) else content
