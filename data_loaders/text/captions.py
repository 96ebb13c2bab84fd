"""Caption cleaning: named profiles, applied to the text of every encoder in training and serving alike.

The model stores the profile's name. All profiles remove hashtags, web addresses, e-mail addresses, @mentions, control
characters and lone surrogates; all are idempotent and run in linear time. One profile, `tweet_inline_words`, removes
only the sign of some hashtags and keeps the word: it leaks the answer (see `leaks`).
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable
from typing import TypeAlias

import regex

from data_loaders.registry import Registry
from data_loaders.text.inline_hashtags import keep_inline_words
from data_loaders.text.lemmas import lemmatise
from data_loaders.text.paired_signs import remove_topics
from data_loaders.text.patterns import MAY_HOLD_TOKEN, TOKEN

MAXIMUM_CHARACTERS = 20_000
"""Captions are cut to their first 20,000 characters before cleaning."""

DEFAULT_PROFILE = "plain"

LEAK_WARNING = (
    "THE CAPTION PROFILE {profile!r} LEAKS: hashtags in the middle of a caption stay in it as words, so the model "
    "reads part of the answer in its input. Its scores are higher than on captions that have no hashtags yet; compare "
    "them only with scores obtained the same way, and report the leak with them."
)
"""The warning for users of a profile that leaks; format it with the profile's name."""

Profile: TypeAlias = Callable[[str], str]

_PROFILES: Registry[Profile] = Registry("caption profile")
_LEAKING: set[str] = set()

# Control characters, lone surrogates and the replacement character; then soft hyphens, direction marks and other
# formatting characters without a glyph. Joiners stay: words and emoji are spelled with them.
_INVISIBLE = regex.compile(
    r"[\p{Cc}\p{Cs}\uFFFD\u00AD\u061C\u180E\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]+"
)
_HTML_TAG = regex.compile(r"<(?:/?[a-z][^<>]*+|!--[^<>]*+--)>", regex.IGNORECASE)
_KEYCAP = regex.compile(r"[0-9#*]\uFE0F?+\u20E3")
_APOSTROPHE = regex.compile(r"(?<=\p{L}\p{M}*)['’](?=\p{L})")
_JOINER_OUTSIDE_WORD = regex.compile(r"(?<![\p{L}\p{M}\u200c\u200d])[\u200c\u200d]++|[\u200c\u200d]++(?!\p{L})")
# Emoji consist of symbols, variation selectors and enclosing marks; none of these is kept.
_NOT_KEPT_IN_TWEETS = regex.compile(r"(?:[^\p{L}\p{M}\p{N}\s,.!?:;\u200c\u200d]|\p{Variation_Selector}|\p{Me})+")


def register_profile(name: str, *, leaks: bool = False) -> Callable[[Profile], Profile]:
    """Return a decorator that registers a cleaning function under a name.

    Args:
        name: the profile's name in configurations.
        leaks: whether the profile keeps words of a caption's own hashtags.

    Raises:
        ConfigError: the name is taken.
    """

    def add(profile: Profile) -> Profile:
        _PROFILES.register(name)(profile)
        if leaks:
            _LEAKING.add(name)
        return profile

    return add


def list_profiles() -> list[str]:
    """Return the names of the cleaning profiles, sorted."""
    return _PROFILES.names()


def check_profile(profile: str) -> str:
    """Return the name of a profile if it exists.

    Raises:
        ConfigError: there is no profile of that name.
    """
    return _PROFILES.check(profile)


def leaks(profile: str) -> bool:
    """Return whether a profile keeps words of a caption's own hashtags, so that scores are too high.

    Show users of such a profile `LEAK_WARNING`.

    Raises:
        ConfigError: there is no profile of that name.

    >>> leaks("tweet"), leaks("tweet_inline_words")
    (False, True)
    """
    return check_profile(profile) in _LEAKING


def clean_caption(text: str | None, profile: str = DEFAULT_PROFILE) -> str:
    """Return the caption cleaned by a profile; `''` for a missing caption.

    Args:
        text: the caption as the user wrote it.
        profile: one of `list_profiles()`.

    Raises:
        ConfigError: there is no profile of that name.

    >>> clean_caption("Sunset with @ann  #beach at https://t.co/x")
    'Sunset with at'
    >>> clean_caption("It's <b>DONE</b> 🎉 #finally", "tweet")
    'its done'
    """
    clean = _PROFILES.get(profile)
    return clean(text[:MAXIMUM_CHARACTERS]) if text else ""


@register_profile("plain")
def plain(text: str) -> str:
    """Remove hashtags, addresses, mentions and invisible characters; normalise to NFC; collapse white space."""
    text = _without_tokens(text)
    if _INVISIBLE.search(text):
        # Once more, for tokens that the invisible characters had split.
        text = _without_tokens(_INVISIBLE.sub(" ", text))
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text[:MAXIMUM_CHARACTERS].rstrip()


@register_profile("tweet")
def tweet(text: str) -> str:
    """Clean as `plain`; also remove HTML, emoji and punctuation except `,.!?:;`, and lower-case."""
    return _plain_tweet(_without_html(text))


@register_profile("tweet_lemmas")
def tweet_lemmas(text: str) -> str:
    """Clean as `tweet`, then replace English words by their lemmas; needs the extra `text`.

    Raises:
        ConfigError: simplemma is not installed.
    """
    # Replacing a word by its lemma can produce a new address.
    return plain(lemmatise(tweet(text)))


@register_profile("tweet_inline_words", leaks=True)
def tweet_inline_words(text: str) -> str:
    """Clean as `tweet`, but LEAK: a hashtag followed by words loses only its sign, and its word stays.

    Only hashtags at the end of the text are removed. The slide-deck models are trained and evaluated this way; see
    `leaks`.
    """
    return _plain_tweet(keep_inline_words(_INVISIBLE.sub(" ", _without_html(text))))


def _without_html(text: str) -> str:
    return _HTML_TAG.sub(" ", html.unescape(text))


def _plain_tweet(text: str) -> str:
    text = _APOSTROPHE.sub("", _KEYCAP.sub(" ", plain(text)))
    text = _NOT_KEPT_IN_TWEETS.sub(" ", text)
    text = _JOINER_OUTSIDE_WORD.sub(" ", text)
    # Lower-casing can decompose letters, and a removal can produce a new address.
    return plain(text.lower())


def _without_tokens(text: str) -> str:
    if not MAY_HOLD_TOKEN.search(text):
        return " ".join(text.split())
    runs = (TOKEN.sub(" ", run) if MAY_HOLD_TOKEN.search(run) else run for run in remove_topics(text).split())
    # The signs that are left may be pairs now.
    return " ".join(remove_topics(" ".join(runs)).split())
