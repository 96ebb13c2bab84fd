"""Caption cleaning: named profiles that every encoder's text goes through, in training and in serving alike.

A profile is stored by name with the model. All profiles take out hashtags, web addresses, e-mail addresses,
@mentions, control characters and lone surrogates; all are idempotent and linear in the text.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable
from typing import TypeAlias

import regex

from data_loaders.errors import ConfigError, nearest
from data_loaders.text_patterns import MAY_HOLD_TOKEN, TOKEN

MAXIMUM_CHARACTERS = 20_000
"""What follows the first 20,000 characters of a caption is cut off before any cleaning."""

DEFAULT_PROFILE = "plain"

Profile: TypeAlias = Callable[[str], str]

_PROFILES: dict[str, Profile] = {}

# Control characters, lone surrogates and the sign that stands for undecodable bytes; then soft hyphens, marks of
# writing direction and other formatting without a glyph. Joiners stay: they spell words and emoji.
_INVISIBLE = regex.compile(
    r"[\p{Cc}\p{Cs}\uFFFD\u00AD\u061C\u180E\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]+"
)
_HTML_TAG = regex.compile(r"<(?:/?[a-z][^<>]*+|!--[^<>]*+--)>", regex.IGNORECASE)
_KEYCAP = regex.compile(r"[0-9#*]\uFE0F?+\u20E3")
_APOSTROPHE = regex.compile(r"(?<=\p{L}\p{M}*)['’](?=\p{L})")
_JOINER_OUTSIDE_WORD = regex.compile(r"(?<![\p{L}\p{M}])[\u200c\u200d]++|[\u200c\u200d]++(?!\p{L})")
# Emoji are symbols, variation selectors and enclosing marks: none of them is kept.
_NOT_KEPT_IN_TWEETS = regex.compile(r"(?:[^\p{L}\p{M}\p{N}\s,.!?:;\u200c\u200d]|\p{Variation_Selector}|\p{Me})+")


def register_profile(name: str) -> Callable[[Profile], Profile]:
    """Return a decorator that offers a cleaning function under a name.

    Raises:
        ConfigError: if the name is taken.
    """

    def decorate(profile: Profile) -> Profile:
        if name in _PROFILES:
            raise ConfigError(f"There is already a caption profile {name!r}. Choose another name.")
        _PROFILES[name] = profile
        return profile

    return decorate


def list_profiles() -> list[str]:
    """Return the names of the cleaning profiles, sorted."""
    return sorted(_PROFILES)


def check_profile(profile: str) -> str:
    """Return the name of a profile that exists.

    Raises:
        ConfigError: if there is none of that name.
    """
    if profile not in _PROFILES:
        raise ConfigError(
            f"There is no caption profile {profile!r}.{nearest(profile, _PROFILES)} "
            f"Accepted: {', '.join(list_profiles())}."
        )
    return profile


def clean_caption(text: str | None, profile: str = DEFAULT_PROFILE) -> str:
    """Return the caption as a profile leaves it; `''` for a missing one.

    Args:
        text: the caption as the user wrote it.
        profile: one of `list_profiles()`.

    Raises:
        ConfigError: if there is no such profile.

    >>> clean_caption("Sunset with @ann  #beach at https://t.co/x")
    'Sunset with at'
    """
    clean = _PROFILES[check_profile(profile)]
    return clean(text[:MAXIMUM_CHARACTERS]) if text else ""


@register_profile("plain")
def plain(text: str) -> str:
    """Take out hashtags, addresses, mentions and invisible characters; NFC; fold white space."""
    text = _without_tokens(text)
    if _INVISIBLE.search(text):
        # A second turn, for what the invisible characters held apart.
        text = _without_tokens(_INVISIBLE.sub(" ", text))
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text[:MAXIMUM_CHARACTERS].rstrip()


@register_profile("tweet")
def tweet(text: str) -> str:
    """Do as `plain`, and besides: HTML and emoji out, lower case, no punctuation but `,.!?:;`."""
    text = plain(_HTML_TAG.sub(" ", html.unescape(text)))
    text = _APOSTROPHE.sub("", _KEYCAP.sub(" ", text))
    text = _NOT_KEPT_IN_TWEETS.sub(" ", text)
    text = _JOINER_OUTSIDE_WORD.sub(" ", text)
    # Lower case can decompose letters, and what is gone can uncover an address.
    return plain(text.lower())


def _without_tokens(text: str) -> str:
    if not MAY_HOLD_TOKEN.search(text):
        return " ".join(text.split())
    runs = (TOKEN.sub(" ", run) if MAY_HOLD_TOKEN.search(run) else run for run in text.split())
    return " ".join(" ".join(runs).split())
