"""Caption cleaning: named profiles that every encoder's text goes through, in training and in serving alike.

A profile is stored by name with the model. All profiles take out hashtags, web addresses, e-mail addresses,
@mentions, control characters and lone surrogates; all are idempotent and linear in the text. One, `tweet_inline_words`,
takes out the sign of a hashtag and leaves the word: it leaks, and `leaks` says so.
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
from data_loaders.text.patterns import MAY_HOLD_TOKEN, TOKEN

MAXIMUM_CHARACTERS = 20_000
"""What follows the first 20,000 characters of a caption is cut off before any cleaning."""

DEFAULT_PROFILE = "plain"

LEAK_WARNING = (
    "THE CAPTION PROFILE {profile!r} LEAKS: hashtags in the middle of a caption stay in it as words, so a model reads "
    "part of the answer in the question. Figures are higher than a recommender would reach on captions that have no "
    "hashtags yet; compare them only with figures that were made the same way, and say so beside them."
)
"""What to tell whoever uses a profile that leaks; format it with the profile's name."""

Profile: TypeAlias = Callable[[str], str]

_PROFILES: Registry[Profile] = Registry("caption profile")
_LEAKING: set[str] = set()

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


def register_profile(name: str, *, leaks: bool = False) -> Callable[[Profile], Profile]:
    """Return a decorator that offers a cleaning function under a name.

    Args:
        name: what it is called in configurations.
        leaks: whether it leaves what a caption's own hashtags say.

    Raises:
        ConfigError: if the name is taken.
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
    """Return the name of a profile that exists.

    Raises:
        ConfigError: if there is none of that name.
    """
    return _PROFILES.check(profile)


def leaks(profile: str) -> bool:
    """Return whether a profile leaves what a caption's own hashtags say, so that figures made with it are too high.

    Who uses such a profile is to be told `LEAK_WARNING`.

    Raises:
        ConfigError: if there is no such profile.

    >>> leaks("tweet"), leaks("tweet_inline_words")
    (False, True)
    """
    return check_profile(profile) in _LEAKING


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
    clean = _PROFILES.get(profile)
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
    return _plain_tweet(_without_html(text))


@register_profile("tweet_lemmas")
def tweet_lemmas(text: str) -> str:
    """Do as `tweet`, and replace English words by their lemmas; needs the extra `text`.

    Raises:
        ConfigError: simplemma is not installed.
    """
    # A lemma can uncover an address.
    return plain(lemmatise(tweet(text)))


@register_profile("tweet_inline_words", leaks=True)
def tweet_inline_words(text: str) -> str:
    """Do as `tweet`, but LEAK: a hashtag that words follow loses its sign alone, and the word stays.

    Only hashtags at the end of the text are taken out. This is how the slide-deck models are trained and judged; see
    `leaks`.
    """
    return _plain_tweet(keep_inline_words(_INVISIBLE.sub(" ", _without_html(text))))


def _without_html(text: str) -> str:
    return _HTML_TAG.sub(" ", html.unescape(text))


def _plain_tweet(text: str) -> str:
    text = _APOSTROPHE.sub("", _KEYCAP.sub(" ", plain(text)))
    text = _NOT_KEPT_IN_TWEETS.sub(" ", text)
    text = _JOINER_OUTSIDE_WORD.sub(" ", text)
    # Lower case can decompose letters, and what is gone can uncover an address.
    return plain(text.lower())


def _without_tokens(text: str) -> str:
    if not MAY_HOLD_TOKEN.search(text):
        return " ".join(text.split())
    runs = (TOKEN.sub(" ", run) if MAY_HOLD_TOKEN.search(run) else run for run in text.split())
    return " ".join(" ".join(runs).split())
