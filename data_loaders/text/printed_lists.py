"""Read lists as programs print them: Python and numpy (`['a', nan]`, `array(['a' 'b'])`, `{'a'}`), and PostgreSQL."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_TOKEN = re.compile(rf"(?P<quoted>{_QUOTED})|<NA>|[\[(\{{]|[\])\}}]|[,:=]|[^\s'\"\[\](){{}},:=]+|['\"]", re.DOTALL)
_PLACEHOLDERS = ("nan", "NaN", "NaT", "NA", "null", "None")
_CONTAINERS = ("array", "set", "frozenset", "list", "tuple", "Index", "deque")
_LONGEST, _DEEPEST = 1 << 18, 12
_POSTGRES_ITEM = re.compile(
    r"\s*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<bare>[^\s{}\"',:=\\]+))\s*(?P<end>,|\Z)", re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def read_printed(text: str) -> Any:
    """Return the value that Python or numpy printed: lists, dictionaries, texts, numbers and None; sets as lists.

    Raises:
        ValueError: the text is anything else, or is cut off.

    >>> read_printed("array(['sun' 'sea'], dtype=object)"), read_printed("{'sun', nan}"), read_printed("set()")
    (['sun', 'sea'], ['sun', None], [])
    """
    if len(text) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST:,} characters")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about unknown escapes
        try:
            return _value(ast.parse(_with_commas(text), mode="eval").body)
        except (SyntaxError, MemoryError, RecursionError) as problem:
            raise ValueError("it is not a list as Python prints it") from problem


def read_postgres(text: str) -> list[str | None]:
    r"""Return the elements of a PostgreSQL array of text in one dimension; NULL as None.

    Raises:
        ValueError: the text is none.

    >>> read_postgres('{sun,"new york","a \\"b\\"",NULL}')
    ['sun', 'new york', 'a "b"', None]
    """
    body, items, position = text[1:-1], [], 0
    while position < len(body):
        item = _POSTGRES_ITEM.match(body, position)
        if item is None or (item["end"] and item.end() == len(body)):
            raise ValueError("it is not an array as PostgreSQL prints it")
        quoted, bare = item["quoted"], item["bare"]
        items.append(_ESCAPED.sub(r"\1", quoted) if bare is None else None if bare.upper() == "NULL" else bare)
        position = item.end()
    return items


def _with_commas(text: str) -> str:
    """Return the text with commas between the elements that numpy separates by white space only."""
    pieces: list[str] = []
    separators: list[set[str]] = [set()]
    before, end = "", 0
    for token in _TOKEN.finditer(text):
        word = "None" if token.group() == "<NA>" else token.group()
        if word in "'\"":
            raise ValueError("one of its quotes is never closed")
        if _ends_value(before) and word[0] not in "]),:=}":
            if token.start() > end:
                pieces.append(",")
                separators[-1].add("gap")
            elif token["quoted"] and before[-1] in "'\"":
                raise ValueError("two of its texts touch")
        if word == ",":
            separators[-1].add(word)
        if word in "[({":
            separators.append(set())
        elif word in "])}" and (len(separators) == 1 or len(separators.pop()) > 1):
            raise ValueError("its brackets or commas are not those of a list")
        if len(separators) > _DEEPEST:
            raise ValueError("its brackets are nested too deeply")
        pieces.append(word)
        before, end = word, token.end()
    return "".join(pieces)


def _ends_value(word: str) -> bool:
    return bool(word) and word[-1] not in "[({,:="


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
        return ast.literal_eval(node)  # a number below zero
    if isinstance(node, ast.Name) and node.id in _PLACEHOLDERS:
        return None
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return [_value(element) for element in node.elts]
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [str(_value(key)) for key in node.keys if key is not None]
        return dict(zip(keys, map(_value, node.values), strict=True))
    if isinstance(node, ast.Call) and _name(node.func) in _CONTAINERS and len(node.args) < 2:
        return _value(node.args[0]) if node.args else []
    raise ValueError("it is not a list as Python prints it")


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
