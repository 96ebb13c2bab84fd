"""Write captions: sentences in the author's language, with hashtags spelled the way people spell them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from data_loaders.sample.languages import Language
from data_loaders.sample.tables import read_table
from data_loaders.text.hashtags import normalise

_EMOJI: list[str] = read_table("emoji")
_GAPS = ("\n\n", "\n\n", "\n.\n.\n.\n", "\n", " ", " ")
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_INLINE_SHARE = 0.25


def write_caption(
    kind: str, language: Language, topic: str | None, event: str | None, hashtags: Sequence[str], rng: random.Random
) -> tuple[str, str]:
    """Return (text without hashtags, caption with hashtags); most hashtags are at the end, some between sentences.

    Args:
        kind: "absent" (no text), "short" (a few words) or "long" (two to five sentences).
        language: the language of the text.
        topic: topic of the text; None for a text without a topic.
        event: the event that the text mentions, or None.
        hashtags: canonical hashtags, in order of appearance.
        rng: source of all random choices.
    """
    pieces = _pieces(kind, language, topic, event, rng)
    spelled = [spell(hashtag, rng) for hashtag in hashtags]
    inline: list[list[str]] = [[] for _ in pieces]
    if kind == "long" and rng.random() < _INLINE_SHARE:
        for _ in range(min(rng.randint(1, 2), len(spelled))):
            inline[rng.randrange(len(pieces))].append(spelled.pop(0))
    body = ""
    for number, (piece, tags) in enumerate(zip(pieces, inline, strict=True)):
        before = language.space if number and not inline[number - 1] else " " * bool(number)
        body += " ".join([before + piece, *tags])
    tail = ("" if rng.random() < 0.05 else " ").join(spelled)
    if body and tail and rng.random() < 0.08:
        tail += rng.choice(_EMOJI)
    gap = rng.choice(_GAPS) if body and tail else ""
    return language.space.join(pieces), body + gap + tail


def spell(hashtag: str, rng: random.Random) -> str:
    """Return a canonical hashtag with its sign, sometimes with capitals or in full-width characters."""
    draw, form, sign = rng.random(), hashtag, "#"
    if draw < 0.14:
        form = hashtag.capitalize()
    elif draw < 0.20:
        form = hashtag.upper()
    elif draw < 0.24:
        form = "".join(letter.upper() if rng.random() < 0.3 else letter for letter in hashtag)
    elif draw < 0.26:
        form = hashtag.translate(_FULL_WIDTH)
    if rng.random() < 0.03:
        sign = "＃"
    return sign + (form if normalise(form) == hashtag else hashtag)


def _pieces(kind: str, language: Language, topic: str | None, event: str | None, rng: random.Random) -> list[str]:
    if kind == "absent":
        return []
    pieces = [_short(language, topic, rng)] if kind == "short" else _sentences(language, topic, rng)
    if event is not None:
        mention = event if kind == "short" else rng.choice(language.about).format(word=event)
        pieces.insert(rng.randint(0, len(pieces)), mention)
    if rng.random() < 0.45:
        pieces[rng.randrange(len(pieces))] += " " + rng.choice(_EMOJI)
    return pieces


def _short(language: Language, topic: str | None, rng: random.Random) -> str:
    opening = rng.choice(language.shorts)
    if topic is None:
        return opening if rng.random() < 0.6 else f"{opening} {rng.randint(1, 365)}/365"
    word = _word(language, topic, rng)
    return f"{opening} {word}" if rng.random() < 0.4 else _capitalised(word)


def _sentences(language: Language, topic: str | None, rng: random.Random) -> list[str]:
    count = rng.randint(2, 5)
    sentences = rng.sample(language.fillers, count)
    if topic is not None:
        mentions = 2 if count > 2 and rng.random() < 0.6 else 1
        for index, frame in zip(rng.sample(range(count), mentions), rng.sample(language.about, mentions), strict=True):
            sentences[index] = _capitalised(frame.format(word=_word(language, topic, rng)))
    if rng.random() < 0.04:
        sentences.append(f"📷 @{rng.choice(('noor', 'pablo_m', 'uma.here', 'wei.daily'))}")
    if rng.random() < 0.03:
        sentences.append(f"https://example.org/{rng.randrange(10_000)}")
    return sentences


def _word(language: Language, topic: str, rng: random.Random) -> str:
    words = language.words[topic]
    return rng.choices(words, [(rank + 1) ** -2 for rank in range(len(words))])[0]


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
