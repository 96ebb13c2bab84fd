"""Read fields of the tweets in Twitter's archives, where any field can be missing, empty or of another type."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import regex

from data_loaders.readers.json_values import at, identifier
from data_loaders.text.timestamps import read_timestamp

_RETWEET = re.compile(r"\s*RT @")
_PHOTO_NAME = re.compile(r"\w+-[\w\-]+\.\w+", re.ASCII)
_COARSE = re.compile(r"\d{4}-\d{2}-\d{2} 00:00:00 \+0000")
# Twitter's ids encode the time since 4 November 2010; for older tweets, archives by month know only the date.
_TIMES_SINCE = "2010-11-05"
_CUT_OFF = regex.compile(r"(?:…|\.\.\.)?+(?<!\s)\s*+(?:https?://t\.co/\w++\s*+)?+\Z")


def unwrap(item: Any) -> dict[str, Any] | None:
    """Return the tweet of an item, which has a wrapper since 2020; None if it is not an object."""
    if not isinstance(item, dict):
        return None
    tweet = item.get("tweet", item)
    return tweet if isinstance(tweet, dict) else None


def tweet_id(tweet: dict[str, Any]) -> Any:
    """Return the id as stored in the archive."""
    return tweet.get("id_str") or tweet.get("id")


def raw_text(tweet: dict[str, Any]) -> Any:
    """Return the text as stored in the archive, HTML-escaped."""
    return tweet["full_text"] if "full_text" in tweet else tweet.get("text")


def text(tweet: dict[str, Any]) -> Any:
    """Return the text as the author wrote it."""
    escaped = raw_text(tweet)
    return html.unescape(escaped) if isinstance(escaped, str) else escaped


def is_retweet(tweet: dict[str, Any]) -> bool:
    """Return whether the tweet repeats someone else's."""
    escaped = raw_text(tweet)
    said = isinstance(escaped, str) and _RETWEET.match(escaped) is not None
    return said or isinstance(tweet.get("retweeted_status"), dict)


def author(tweet: dict[str, Any]) -> Any:
    """Return the author's id, which only archives by month contain; otherwise None."""
    return at(tweet, "user", "id_str") or at(tweet, "user", "id")


def hashtags(tweet: dict[str, Any]) -> list[Any] | None:
    """Return the hashtags that Twitter lists; None if it lists none, so that they are extracted from the text."""
    listed = at(tweet, "entities", "hashtags")
    return listed if isinstance(listed, list) and listed else None


def has_coarse_time(tweet: dict[str, Any]) -> bool:
    """Return whether only the date of the tweet is known."""
    created = tweet.get("created_at")
    return isinstance(created, str) and _COARSE.fullmatch(created) is not None and created < _TIMES_SINCE


def photos(tweet: dict[str, Any]) -> list[str]:
    """Return the file names of the tweet's photos in the media folder."""
    media = (item for item in _media(tweet) if item.get("type", "photo") == "photo")
    addresses = (item.get("media_url_https") or item.get("media_url") for item in media)
    names = (f"{tweet_id(tweet)}-{address.rpartition('/')[2]}" for address in addresses if isinstance(address, str))
    return [name for name in names if _PHOTO_NAME.fullmatch(name)]


def has_video(tweet: dict[str, Any]) -> bool:
    """Return whether the tweet has a video or an animated picture."""
    return any(item.get("type") in ("video", "animated_gif") for item in _media(tweet))


def _media(tweet: dict[str, Any]) -> list[dict[str, Any]]:
    # "entities" lists only the first of up to four photos, "extended_entities" lists all.
    for key in ("extended_entities", "entities"):
        media = at(tweet, key, "media")
        if isinstance(media, list) and media:
            return [item for item in media if isinstance(item, dict)]
    return []


def owner(account: Any) -> str | None:
    """Return the owner's id, or name without one, from `account.js`, `manifest.js` or `user_details.js`."""
    if isinstance(account, list) and account:
        account = account[0]
    if not isinstance(account, dict):
        return None
    for key in ("account", "userInfo"):
        if isinstance(account.get(key), dict):
            account = account[key]
    for key in ("accountId", "id", "username", "userName", "screen_name"):
        value = identifier(account.get(key))
        if value is not None:
            return str(value).strip()
    return None


class LongPosts:
    """The full texts of posts that are longer than a tweet, from `note-tweet.js`.

    The file does not say which tweet a text belongs to: it is the tweet of the same second whose truncated text begins
    the same way.

    Args:
        items: the items of that file.
    """

    def __init__(self, items: Iterable[Any]) -> None:
        self._texts: dict[datetime, list[str]] = {}
        for item in items:
            full, second = at(item, "noteTweet", "core", "text"), _second(at(item, "noteTweet", "createdAt"))
            if isinstance(full, str) and second is not None:
                self._texts.setdefault(second, []).append(html.unescape(full))

    def full_text(self, tweet: dict[str, Any]) -> str | None:
        """Return the full text of a truncated tweet; None if there is none."""
        second, short = _second(tweet.get("created_at")), text(tweet)
        if second is None or not isinstance(short, str) or second not in self._texts:
            return None
        begin = "".join(_CUT_OFF.sub("", short).split())
        for full in self._texts[second]:
            squeezed = "".join(full.split())
            if begin and len(squeezed) > len(begin) and squeezed.startswith(begin):
                return full
        return None


def _second(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return read_timestamp(value).replace(microsecond=0)
    except ValueError:
        return None
