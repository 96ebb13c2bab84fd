"""Which encodings text that is not UTF-8 is likely to have, by how natural it looks in each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container

import regex

WESTERN = "windows-1252"
_NATURAL = 0.8
_RUN = re.compile(r"[^\x00-\x7f]+")
_MIDDLE = "·°€™½¼¾²³ºª¢•…–—"  # signs that may stand anywhere
_BEFORE_NUMBERS = "£¥©®§"
_OPENING, _CLOSING, _APOSTROPHE = "“‘«„¿¡", "”»", "’"
_PAIRED = frozenset(_OPENING + _CLOSING + _APOSTROPHE + "–—…")
_RARE_LETTERS = frozenset("ŠŒŽŸšœž")
_NEVER_UTF8 = re.compile(rb"[\xc0\xc1\xf5-\xff]")
_LONGEST_WESTERN_RUN = 2
# Letters that are words; one that no ASCII letter stands beside is more likely a half of something else.
_WORDS = frozenset("àáâéèêíìóòôúùöæøåÀÁÂÉÈÊÍÓÒÔÚÖÆØÅ")
_EUC_JP, _LEAST_KANA = "euc_jp", 3
_JAPANESE = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Han}]")
_WORD = regex.compile(r"\p{L}+")
_CYRILLIC = regex.compile(r"[А-ЯЁ]?[а-яё]+|[А-ЯЁ]{2,}")
_SEEMS = re.compile(r"; it (?:seems to|may) be ([\w, -]+?): try --encoding ")


def likely_encodings(content: bytes) -> tuple[str, ...]:
    """Return the encodings that text which is not UTF-8 may have, most often one; none if it is hard to tell.

    >>> likely_encodings("Café à Paris, Größe".encode("windows-1252")), likely_encodings("Привет".encode("cp1251"))
    (('windows-1252',), ('windows-1251',))
    >>> likely_encodings("海の日".encode("shift_jis")), likely_encodings("春".encode("gbk"))
    (('cp932',), ('gb18030', 'big5', 'euc_kr'))
    """
    whole = content.decode("utf-8", "ignore")
    high = sum(byte > 127 for byte in content)
    # Of damaged UTF-8 most is right; in other encodings few bytes happen to be.
    right = len("".join(_RUN.findall(whole)).encode())
    if not high or (2 * right >= high and not _NEVER_UTF8.search(content)):
        return ()
    if whole.isascii() and _fits(content, WESTERN, _western):
        return (WESTERN,)
    return (
        (_EUC_JP,)
        if _holds_kana(content)
        else tuple(name for name, share in _OTHERS.items() if _fits(content, name, share))
    )


def _fits(content: bytes, encoding: str, share: Callable[[str], float]) -> bool:
    try:
        return share(content.decode(encoding)) >= _NATURAL
    except UnicodeDecodeError:
        return False


def _western(text: str) -> float:
    runs = list(_RUN.finditer(text))
    return sum(_is_western(text, *run.span()) for run in runs) / len(runs)


def _is_western(text: str, start: int, stop: int) -> bool:
    """Return whether letters and signs stand as in Western European words, not as halves of other characters."""
    before, run, behind = text[start - 1 : start], text[start:stop], text[stop : stop + 1]
    if len(run) > _LONGEST_WESTERN_RUN or behind == "\\":
        return False
    letters = "".join(letter for letter in run if letter.isalpha() and letter not in "ºªƒˆ")
    signs = [sign for sign in run if sign not in letters]
    if len(run) > 1 and not _PAIRED.issuperset(signs):
        return False
    if not letters:
        return all(_sign_fits(sign, before, behind) for sign in signs)
    if not all(sign == _APOSTROPHE or sign in (_OPENING if run[0] == sign else _CLOSING) for sign in signs):
        return False
    first = before if run[0] in letters else ""
    last = behind if run[-1] in letters else ""
    if not (first.isalpha() or last.isalpha()):
        return letters in _WORDS or bool(signs)
    long = _RARE_LETTERS.isdisjoint(letters) or len(_word_at(text, start)) > 2
    return _word_is_natural(first + letters + last) and long


def _word_is_natural(word: str) -> bool:
    return word.islower() or word.isupper() or word.istitle()


def _word_at(text: str, place: int) -> str:
    start = place
    while start and text[start - 1].isalpha():
        start -= 1
    found = _WORD.search(text, start)
    return found.group() if found else ""


def _sign_fits(sign: str, before: str, behind: str) -> bool:
    if sign in _OPENING:
        return not before.isalnum() and behind.strip() != ""
    if sign in _CLOSING:
        return before.strip() != "" and not behind.isalpha()
    if sign in _BEFORE_NUMBERS:
        return not behind.isalpha() and behind != "_"
    return sign in _MIDDLE or (sign == _APOSTROPHE and before.strip() != "")


def _of_rows(encoding: str, punctuation: Container[int], frequent: Container[int]) -> Callable[[str], float]:
    """Return what tells which share of a text's characters are frequent ones of an encoding, by their first byte."""

    def share(text: str) -> float:
        leads = [_lead(character, encoding) for character in "".join(_RUN.findall(text))]
        leads = [lead for lead in leads if lead not in punctuation]
        return sum(lead in frequent for lead in leads) / max(len(leads), 1)

    return share


def _lead(character: str, encoding: str) -> int:
    encoded = character.encode(encoding, "ignore")
    return encoded[0] if len(encoded) == 2 else -1


def _holds_kana(content: bytes) -> bool:
    """Return whether text reads as Japanese in EUC-JP: with syllables, which texts in other encodings do not become."""
    try:
        text = content.decode(_EUC_JP)
    except UnicodeDecodeError:
        return False
    japanese = _JAPANESE.findall(text)
    kana = [character for character in japanese if character < "一"]
    return len(set(kana)) >= _LEAST_KANA and len(kana) * _LEAST_KANA > len(japanese)


def _cyrillic(text: str) -> float:
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    natural = sum(_CYRILLIC.fullmatch(word) is not None for word in words)
    return natural / len(words) if words and max(map(len, words)) > 2 else 0.0


# By name for Python, with the share of characters that are as common as they should be.
_OTHERS: dict[str, Callable[[str], float]] = {
    "windows-1251": _cyrillic,
    "cp932": _of_rows("cp932", (0x81, 0x87), range(0x82, 0x99)),
    "gb18030": _of_rows("gb2312", range(0xA1, 0xAA), range(0xB0, 0xD8)),
    "big5": _of_rows("big5", range(0xA1, 0xA4), range(0xA4, 0xC7)),
    "euc_kr": _of_rows("euc_kr", range(0xA1, 0xAD), range(0xB0, 0xC9)),
}


def suggestion(content: bytes) -> str:
    """Return what a message about text that is not UTF-8 says of its encoding; empty if it is hard to tell."""
    likely = likely_encodings(content)
    if not likely:
        return ""
    return f"; it {'seems to' if len(likely) == 1 else 'may'} be {_one_of(likely)}: try --encoding {likely[0]}"


def _one_of(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


class LikelyEncodings:
    """Counts the encodings that the records of a dump may have.

    Attributes:
        counts: records by encoding.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, detail: str) -> None:
        """Count one record, given what was said of it: a message with a `suggestion`, or another one."""
        if seen := _SEEMS.search(detail):
            self.counts.update(seen[1].replace(" or ", ", ").split(", "))

    def remove(self, detail: str) -> None:
        """Take back a record that was counted."""
        if seen := _SEEMS.search(detail):
            self.counts.subtract(seen[1].replace(" or ", ", ").split(", "))
            self.counts = +self.counts

    def notes(self) -> list[str]:
        """Return a sentence with the encodings that fit most records, and what to do."""
        if not self.counts:
            return []
        most = max(self.counts.values())
        names = tuple(name for name, count in self.counts.items() if count == most)
        said = f"{most:,} records hold bytes that are not UTF-8 and "
        if len(names) == 1:
            return [f"{said}seem to be {names[0]}; if so, read the dump with --encoding {names[0]}."]
        return [
            f"{said}may be {_one_of(names)}; read the dump with the one that shows the text as it was written, for "
            f"example --encoding {names[0]}."
        ]
