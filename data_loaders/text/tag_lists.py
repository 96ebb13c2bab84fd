"""Read the hashtag lists of dumps: real lists, JSON in a cell, lists printed by pandas and numpy, plain text."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import unquote_to_bytes

from data_loaders.errors import DataError
from data_loaders.text.printed_lists import read_postgres, read_printed

ACCEPTED = 'a list such as ["nyc", "food"], or text with the tags separated by commas, | or spaces'

_SIGNS = "#＃"
_SIGNED = re.compile(r"[\s,;|、，；｜､#＃]+")
_DELIMITERS = (re.compile(r"[|｜]"), re.compile(r"[,;、，；､]"), re.compile(r"[\r\n\t]"), re.compile(r"\s"))
_AROUND = " \t\r\n,;|、，；｜､"
_SPACE = re.compile(r"[\s,;|、，；｜､]")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
# PostgreSQL names the bounds of an array that does not begin at 1.
_BOUNDS = re.compile(r"\A(?:\[-?\d+:-?\d+\])+=(?={)")
_CALL = re.compile(r"[A-Za-z_][\w.]*\(\s*(?:[\[({].*)?\)", re.DOTALL)
_OPENS = re.compile(r"[A-Za-z_][\w.]*\(\s*(?:[\[({]|\Z)|[\[{]|\(\s*['\"]")
_R_VECTOR = re.compile(r"c\((\s*(?:['\"]|NA\b).*)\)|character\((0)\)", re.DOTALL)
_LITERAL = re.compile(r"[bBuU](['\"]).*\1", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrt])")
# What is neither a hashtag nor text of several, although its letters could be.
_NO_HASHTAG = (
    (re.compile(r"#(?:N/A|VALUE!|REF!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!)"), "it is a spreadsheet's error"),
    (re.compile(r"(?:.*\W)?\[object \w+\].*", re.DOTALL), "a program printed it"),
    (re.compile(r".*<(?!NA>)[A-Za-z/!][^<>]*>.*", re.DOTALL), "it is HTML, or a program printed it"),
)
_NO_HASHTAGS = (
    *_NO_HASHTAG,
    (re.compile(r"[-+]?\d+(?:\.\d*(?:[eE][-+]?\d+)?|[eE][-+]?\d+)"), "it is a number"),
    (re.compile(r"[A-Za-z_][\w.]*\(.*\)|.*\bdtype: \w+|[\w.$]+\[\]", re.DOTALL), "a program printed it"),
)
_QUOTED_ITEM = re.compile(r"(?:\A|,)\s*[bu]?['\"]|['\"]\s*(?:,|\Z)")
# The pages of hashtags on Twitter, Instagram, TikTok and Mastodon.
_PAGE = re.compile(
    r"https?://[^/\s]+/(?:explore/tags|hashtags?|tags?)/(?P<name>[^/?#\s]+)/?(?:[?#]\S*)?", re.IGNORECASE
)
_BRACKETS = "[](){}"
_NULLS = frozenset({"nan", "none", "null", "nat", "<na>"})
_NAMES = ("tag", "hashtag", "text", "name", "hashtagname")
# Only with a semicolon: "R&D" and "&copy" are not entities here.
_ENTITY = re.compile(r"&#?[A-Za-z0-9]{1,32};")
_DEEPEST = 4


def read_tag_list(value: object) -> list[str]:
    """Return the surface forms of a list of hashtags; signs may remain.

    Text is split at the first of `|`, comma, line break and space that occurs in it. What stands between two delimiters
    is one hashtag, which may hold spaces, or several if it holds several signs. Elements may be objects, as Twitter's
    and Mastodon's. Lists printed by Python, numpy and PostgreSQL, JSON in JSON and percent-encoded text are read too.

    Raises:
        DataError: the value is neither text nor a list of texts, or is not understood.

    >>> read_tag_list("#nyc #food"), read_tag_list("#new york, #food"), read_tag_list("['nyc', 'food']")
    (['nyc', 'food'], ['new york', 'food'], ['nyc', 'food'])
    >>> read_tag_list([{"start": 0, "end": 4, "tag": "fog"}]), read_tag_list("{'sun', nan}"), read_tag_list("%23sea")
    (['fog'], ['sun'], ['sea'])
    """
    return _read(value, 0)


def describe(value: object, limit: int = 60) -> str:
    """Return a value's type and beginning, for a message.

    >>> describe([1, 2]), describe(None)
    ('a list, [1, 2]', 'NoneType, None')
    """
    kinds = {dict: "an object", list: "a list", bool: "a boolean", int: "a number", float: "a number", str: "text"}
    text = repr(value)
    shown = text if len(text) <= limit else text[:limit] + "…"
    return f"{kinds.get(type(value), type(value).__name__)}, {shown}"


def _read(value: object, depth: int) -> list[str]:
    if depth > _DEEPEST:
        raise _refusal(value, "lists in lists")
    if isinstance(value, str):
        return _from_text(value.strip(), depth)
    if isinstance(value, (list, tuple)):
        return [tag for element in value for tag in _element(element, depth)]
    if isinstance(value, dict):
        return _element(value, depth)
    raise DataError(f"hashtags is {describe(value)}. Accepted: {ACCEPTED}.")


def _refusal(value: object, why: str) -> DataError:
    return DataError(f"hashtags is {describe(value)}, which is not understood ({why}). Accepted: {ACCEPTED}.")


def _element(element: object, depth: int) -> list[str]:
    if element is None or element != element:  # NaN
        return []
    if isinstance(element, str):
        return _from_element(element, depth)
    if isinstance(element, int) and not isinstance(element, bool):
        return [str(element)]
    if isinstance(element, dict):
        values = {str(key).lower().replace("_", ""): value for key, value in element.items()}
        named = [value for name in _NAMES if isinstance(value := values.get(name), str)]
        if len({name.strip().lstrip(_SIGNS) for name in named}) == 1:
            return _from_element(named[0], depth)
    raise DataError(f"hashtags contains {describe(element)}. Accepted: {ACCEPTED}.")


def _from_element(text: str, depth: int) -> list[str]:
    """Return the hashtags of one element: mostly one, which may hold spaces; several if it holds several signs."""
    bare = _without_page(_unescaped(text.strip()))
    _check(bare, _NO_HASHTAG)
    # A list in JSON reads its escapes itself.
    if not _is_structured(bare) and (plain := _plain(bare)) != bare:
        return _from_element(plain, depth + 1)
    if _is_structured(bare) or _PERCENT.search(bare):
        return _read(bare if _is_structured(bare) else _decoded(bare), depth + 1)
    if not any(sign in bare.strip(_SIGNS) for sign in _SIGNS):
        if delimiter := next((pattern for pattern in _DELIMITERS[:-1] if pattern.search(bare)), None):
            pieces = [piece.strip() for piece in delimiter.split(bare) if piece.strip()]
            if len(pieces) > 1:
                return pieces
        return [bare if bare != text.strip() else text]
    pieces = [piece.strip(_AROUND) for piece in re.split(f"[{_SIGNS}]", bare)]
    if any(_SPACE.search(piece) for piece in pieces):
        raise DataError(f"hashtags contains {describe(text)}, with words between #hashtags. Accepted: {ACCEPTED}.")
    return [piece for piece in pieces if piece]


def _is_structured(text: str) -> bool:
    ends = text[:1] + text[-1:]
    if ends in ("[]", "{}", "()"):
        return ends != "()" or len(text) == 2 or _QUOTED_ITEM.search(text[1:-1]) is not None
    if _LITERAL.fullmatch(text):
        return True
    return (ends == '""' and len(text) > 1) or _BOUNDS.match(text) is not None or _CALL.fullmatch(text) is not None


def _check(text: str, refused: tuple[tuple[re.Pattern[str], str], ...]) -> None:
    """Refuse text whose letters are not hashtags: errors of spreadsheets, HTML, objects that a program printed."""
    if text.isalnum():
        return
    for pattern, why in refused:
        if pattern.fullmatch(text):
            raise _refusal(text, why)


def _plain(text: str) -> str:
    r"""Return text without the escapes of JSON, where they stand outside of quotes: `caf\u00e9`, `sun\nsea`."""
    if "\\" not in text or not _ESCAPE.search(text):
        return text
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        raise _refusal(text, "its escapes are not those of JSON") from None


def _from_text(text: str, depth: int) -> list[str]:
    if vector := _R_VECTOR.fullmatch(text):
        text = "[]" if vector[2] else f"[{vector[1]}]"
    if _is_structured(text):
        return _from_structure(_BOUNDS.sub("", text), depth)
    if _OPENS.match(text) and any(text.count(one) != text.count(other) for one, other in ("[]", "{}", "()")):
        raise _refusal(text, "a list without an end")
    _check(text, _NO_HASHTAGS)
    if (plain := _plain(text)) != text:
        return _read(plain, depth + 1)
    if _PERCENT.search(text):
        return _read(_decoded(text), depth + 1)
    return _words(text)


def _words(text: str) -> list[str]:
    text = _without_page(_unescaped(text))
    _check(text, _NO_HASHTAGS)
    delimiter = next((pattern for pattern in _DELIMITERS if pattern.search(text)), None)
    items = delimiter.split(text) if delimiter else [text]
    if any(sign in text for sign in _SIGNS):
        items = [piece for item in items for piece in _signed_words(item.strip())]
    return [item.strip() for item in items if item.strip()]


def _signed_words(item: str) -> list[str]:
    """Return the hashtags of what stands between two delimiters: one, unless it holds further signs or delimiters."""
    bare = item.lstrip(_SIGNS).strip()
    if any(sign in bare for sign in _SIGNS) or any(pattern.search(bare) for pattern in _DELIMITERS[:-1]):
        return _SIGNED.split(item)
    return [bare]


def _from_structure(text: str, depth: int) -> list[str]:
    """Return the hashtags of a text that a program wrote: JSON, words in brackets, an array or a printed list."""
    body = text[1:-1]
    if text[0] in "[{" and not any(bracket in body for bracket in _BRACKETS) and not _QUOTED_ITEM.search(body):
        if (unescaped := _unescaped(text)) != text:
            return _from_structure(unescaped, depth)
        _check(text, _NO_HASHTAGS)
        words = _words(body)
        if all(word.casefold() in _NULLS for word in words):
            return []
        if text[0] == "[":
            # Also bare words that happen to be valid JSON: the hashtags #true, #NaN, #1e5.
            return [word for word in words if word != "<NA>"]
    for read in (json.loads, *((read_postgres,) if text[0] == "{" else ()), read_printed):
        try:
            parsed = read(text)
        except (ValueError, RecursionError):
            continue
        return _read(parsed, depth + 1) if isinstance(parsed, str) else _read(parsed, depth)
    if text[0] == '"':  # several quoted words
        return _words(text)
    raise _refusal(text, "it looks like a list but is none")


def _without_page(text: str) -> str:
    """Return the text with the names of hashtags in the place of their pages."""
    if "://" not in text:
        return text
    names = _PAGE.sub(lambda page: page["name"], text)
    if "://" in names:
        raise _refusal(text, "it is an address, not one of a hashtag's page")
    return names


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda entity: html.unescape(entity.group()), text)


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeError:
        raise _refusal(text, "its percent-encoding is not UTF-8") from None
