"""Find the picture of a record: a path, a list of paths, an object with the path or the content of a picture."""

from __future__ import annotations

import base64
import json
import math
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

import regex

from data_loaders.dump_files.archives import is_file
from data_loaders.dump_files.opening import LONGEST_PATH, FileRefused, resolve
from data_loaders.dump_files.spelling import as_on_disk
from data_loaders.errors import short_repr
from data_loaders.text.tag_lists import describe

_MOST_PICTURES = 100
_short = partial(short_repr, limit=60)
_PATH_KEYS = ("path", "file_name", "filename", "uri", "src", "url")
_WEB_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
# In base64: a data URL, or what JPEG, PNG, GIF and WebP begin with.
_ENCODED = re.compile(r"\s*data:image/[\w.+\-]+;base64,|(?=/9j/|iVBORw0KGgo|R0lGOD|UklGR)", re.ASCII)
_SHORTEST_ENCODED = 100
_DRIVE_OR_URL = re.compile(r"[A-Za-z]:|[A-Za-z][A-Za-z0-9+.\-]*://")
_PRINTED = re.compile(r"\[.*\]|\{.*\}", re.DOTALL)
_DELIMITERS = ",;| \t\r\n"
# Between pictures in a cell: behind the ending of one.
_BETWEEN = regex.compile(
    r"(?<=\.(?:jpe?g|png|gif|webp|bmp|tiff?|heic|heif|avif))(?:\s*[,;|]\s*|\s+)(?=\S)", regex.IGNORECASE
)
_QUOTED = re.compile(r"'([^'\\]+)'|\"([^\"\\]+)\"")


def read_image(value: object, root: Path, warnings: list[str]) -> Path | bytes | None:
    """Return the first picture of a record that can be used; a value that cannot costs the picture, not the post.

    Args:
        value: a path; the content of a file, also in base64; Hugging Face's object `{"bytes": …, "path": …}`; a list of
            these, one printed in a cell, or paths with commas, semicolons, bars or blanks between them.
        root: the folder that paths are relative to and must be in.
        warnings: receives why no picture could be used.
    """
    problems: list[str] = []
    first: Path | None = None
    given = list(islice(_pictures(value), _MOST_PICTURES))
    if len(given) == 1 and isinstance(given[0], str):
        given = _several(given[0], root)
    for one in given:
        picture = one if isinstance(one, bytes) else _path(one, root, problems)
        if isinstance(picture, bytes) or (picture is not None and (len(given) == 1 or is_file(picture))):
            return picture
        first = first or picture
    if first is None:
        warnings.extend(problems[:1])
    return first


def _pictures(value: object) -> Iterator[object]:
    """Yield the pictures that a value names, in order."""
    if isinstance(value, (list, tuple)):
        for element in value:
            yield from _pictures(element)
    elif isinstance(value, Mapping):
        content = value.get("bytes")
        content = _encoded(content) if isinstance(content, str) else content
        if isinstance(content, bytes) and content:
            yield content
        else:
            yield next((value[key] for key in _PATH_KEYS if value.get(key)), value)
    elif isinstance(value, bytes):
        yield _path_or_content(value)
    elif isinstance(value, str) and (content := _encoded(value)) is not None:
        yield content
    elif isinstance(value, str) and _PRINTED.fullmatch(value.strip()):
        yield from _printed(value.strip())
    elif not (value is None or value == "" or (isinstance(value, float) and math.isnan(value))):
        yield value


def _several(text: str, root: Path) -> list[object]:
    """Return the pictures of a cell such as `a.png,b.jpg`; the text alone where it is the name of one file."""
    if len(text) > _MOST_PICTURES * LONGEST_PATH:
        return [text]
    names = [name for name in (part.strip(_DELIMITERS) for part in _BETWEEN.split(text)) if name]
    if names in ([], [text.strip()]):
        return [text]
    problems: list[str] = []
    whole = _path(text, root, problems)
    return [text] if whole is not None and is_file(whole) else list(names[:_MOST_PICTURES])


def _encoded(text: str) -> bytes | None:
    """Return the content of a picture in base64, with or without `data:image/png;base64,`; None for any other text."""
    begin = _ENCODED.match(text)
    if begin is None or (not begin.group() and len(text) < _SHORTEST_ENCODED):
        return None
    try:
        # MIME has lines of 76 characters.
        return base64.b64decode("".join(text[begin.end() :].split()), validate=True) or None
    except ValueError:
        return None


def _path_or_content(value: bytes) -> str | bytes:
    """Return a path that a table holds as bytes as text; other bytes are the content of a picture."""
    try:
        text = value[: LONGEST_PATH + 1].decode("utf-8")
    except UnicodeDecodeError:
        return value
    return text if text.isprintable() and len(value) <= LONGEST_PATH else value


def _printed(text: str) -> Iterator[object]:
    """Yield the pictures of a list or an object that was printed in a cell, by JSON or by Python."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        quoted = [single or double for single, double in _QUOTED.findall(text)] if text.startswith("[") else []
        yield from quoted or [text]
    else:
        yield from _pictures(parsed)


def _path(given: object, root: Path, problems: list[str]) -> Path | None:
    if not isinstance(given, str):
        problems.append(f"image_path_unusable: image is {describe(given)}. Accepted: a path as text, or null.")
        return None
    text = given.encode("utf-8", "replace").decode("utf-8").strip()
    if text.startswith("file:///"):
        text = unquote(text.removeprefix("file://"))
    relative = posixpath.normpath(text.replace("\\", "/")) if len(text) <= LONGEST_PATH else "."
    if "\0" in relative or relative == ".":
        if text:
            problems.append(f"image_path_unusable: {_short(text)} is ignored; accepted: the path of a picture file")
        return None
    if _WEB_ADDRESS.match(text):
        problems.append(
            f"image_outside_dump: {_short(text)} is ignored; pictures are not downloaded; accepted: a path inside the "
            "dump, relative to its file"
        )
        return None
    path = root / relative if _DRIVE_OR_URL.match(text) else _on_disk(root, relative)
    if _DRIVE_OR_URL.match(text) or not _is_inside(path, root):
        problems.append(
            f"image_outside_dump: {_short(text)} is ignored; accepted: a path inside the dump, relative to its file"
        )
        return None
    return path


def _on_disk(root: Path, relative: str) -> Path:
    """Return a path as the disk spells it, which may be what a part of an address stands for (`b%20c.png`)."""
    path = as_on_disk(root / relative)
    if "%" in relative and not is_file(path) and is_file(decoded := as_on_disk(root / unquote(relative))):
        return decoded
    return path


def _is_inside(path: Path, root: Path) -> bool:
    try:
        resolve(path, root)
    except FileRefused:
        return False
    return True
