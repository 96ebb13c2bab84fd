"""Topics between two signs, as Weibo and Xiaohongshu write them: `#话题#正文`, `#iPhone 15 发布#`, `#春天[话题]#`.

Elsewhere `#a#b` is two hashtags, so signs count as pairs only in Chinese text (Han without kana and Hangul) in which
every sign has a partner and at least one pair can hardly be anything else.
"""

from __future__ import annotations

import regex

from data_loaders.text.patterns import ENTITY, TAG_WORD, URL

_HAN = regex.compile(r"\p{Han}")
_NOT_CHINESE = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Hangul}]")
_SIGN = regex.compile(rf"(?:{URL}|{ENTITY})(*SKIP)(*FAIL)|[#＃](?![\uFE0F\u20E3])", regex.IGNORECASE)
# C#, &#39; and 5# do not open a topic; C# and F# do not close one.
_OPENS = regex.compile(r"(?<![A-Za-z0-9_&])[#＃]")
_TOPIC = regex.compile(
    r"(?=[^\n]*[\p{Han}A-Za-z])[^\s#＃@/](?:[^\n#＃@/]{0,58}[^\s#＃@/])?(?<!(?<![A-Za-z0-9])[A-Ga-gJ])"
)
_KIND = regex.compile(r"\[(?:话题|話題|超话|超話)\]\Z")
_ENDS_WORD = regex.compile(r"(?![\p{L}\p{M}\p{N}_])")
_PLAIN = regex.compile(TAG_WORD)
_SENTENCE = regex.compile(r"\p{Han}[\p{L}\p{M}\p{N}_]*+[，。！？；：、…]")


def find_topics(text: str) -> list[tuple[str, int, int]]:
    """Return each topic of a text whose signs are pairs, and its span with both signs; none for any other text.

    >>> find_topics("#话题#正文"), find_topics("今天 #台北 #台灣"), find_topics("#a#b")
    ([('话题', 0, 4)], [], [])
    """
    if text.count("#") + text.count("＃") < 2 or not _HAN.search(text) or _NOT_CHINESE.search(text):
        return []
    signs = [sign.start() for sign in _SIGN.finditer(text)]
    pairs = list(zip(signs[::2], signs[1::2], strict=False))
    if not pairs or len(signs) % 2 or not all(_is_topic(text, *pair) for pair in pairs):
        return []
    if any(_ENDS_WORD.match(text, stop + 1) for _, stop in pairs) or (len(pairs) == 1 and _reads_on(text, *pairs[0])):
        return [(_KIND.sub("", text[start + 1 : stop]), start, stop + 1) for start, stop in pairs]
    return []


def remove_topics(text: str) -> str:
    """Return the text with a space in the place of every topic."""
    pieces, position = [], 0
    for _, start, end in find_topics(text):
        pieces += [text[position:start], " "]
        position = end
    return "".join([*pieces, text[position:]])


def _is_topic(text: str, start: int, stop: int) -> bool:
    return _OPENS.match(text, start) is not None and _TOPIC.fullmatch(text, start + 1, stop) is not None


def _reads_on(text: str, start: int, stop: int) -> bool:
    """Return whether Chinese text follows a single pair, and not a second hashtag."""
    if not _PLAIN.fullmatch(text, start + 1, stop) or not _HAN.match(text, stop + 1):
        return False
    before = text[:start].strip()
    glued = start > 0 and text[start - 1].isalpha()
    return not before or glued or _SENTENCE.match(text, stop + 1) is not None
