"""The files of Instagram's own download: where its parts, posts, pictures and owner's name are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_loaders.dump_files.archives import SUFFIXES, entries, is_archive, is_file, is_folder
from data_loaders.errors import DataError
from data_loaders.readers.files import damage_in, load_json, open_bytes
from data_loaders.readers.json_array import iterate_array
from data_loaders.readers.json_values import at, identifier

_INSTAGRAM = "your_instagram_activity"
PLACES = (f"{_INSTAGRAM}/media", f"{_INSTAGRAM}/content", "media", "content", "")
"""Where downloads of different years keep the files of posts; the last is for files taken out of a download."""
_KINDS = "posts|archived_posts|reels|stories|igtv_videos"
_POSTS = re.compile(rf"({_KINDS})(?:_(\d+))?\.(json|html)")
_COPY = re.compile(rf"(?:{_KINDS})(?:_\d+)?\W.*\.json")
_KEYS = ("ig_archived_post_media", "ig_reels_media", "ig_stories", "ig_igtv_media")
_OWNERS = (
    "personal_information/personal_information/personal_information.json",
    "personal_information/personal_information.json",
    "account_information/personal_information.json",
)
# Folders that only Instagram's download has, whether or not posts were asked for.
_SURE_SIGNS = (_INSTAGRAM, "ads_information", "followers_and_following", "messages/inbox", *_OWNERS)
_PERSON = re.compile(r"instagram-(?P<user>.+?)-\d{4}-\d{2}-\d{2}\b.*")
_PART = re.compile(r"[\s_.-]*(?:\(\d+\)|(?:part)?[\s_.-]*\d+(?:[\s_.-]*of[\s_.-]*\d+)?)$", re.IGNORECASE)
_REMEDY = "Download it again."


@dataclass(frozen=True, slots=True)
class Part:
    """A folder or archive of a download; large downloads come in several.

    Attributes:
        root: the folder that addresses of pictures start from.
        person: what the parts of one person's download have in common in their names.
    """

    root: Path
    person: str = ""

    def files(self, kind: str = "json") -> list[Path]:
        """Return the files of posts, `json` or `html`: posts first, in order of their numbers."""
        found: list[tuple[str, int, Path]] = []
        for place in PLACES:
            for path in entries(self.root / place):
                match = _POSTS.fullmatch(path.name)
                if match and match[3] == kind and is_file(path) and _is_meant(path, place):
                    found.append(("" if match[1] == "posts" else match[1], int(match[2] or 0), path))
        return [path for _, _, path in sorted(found)]

    def copies(self) -> list[Path]:
        """Return files of posts under the name of a copy, such as `posts_1 (1).json`, which are not among `files`."""
        found = ((path, place) for place in PLACES for path in entries(self.root / place))
        return [
            path for path, place in found if _COPY.fullmatch(path.name) and is_file(path) and _is_meant(path, place)
        ]

    def is_download(self) -> bool:
        """Return whether this is a download, or a part of one, with files other than pictures."""
        signs = any(is_file(self.root / sign) or is_folder(self.root / sign) for sign in _SURE_SIGNS)
        return signs or bool(self.files()) or bool(self.files("html"))

    def holds_pictures(self) -> bool:
        """Return whether there are folders of pictures, as in further parts of a download."""
        return any(is_folder(self.root / "media" / name) for name in ("posts", "stories", "archived_posts", "other"))

    def owner(self) -> str | None:
        """Return the name of the account; None where no file tells it."""
        for name in _OWNERS:
            if is_file(self.root / name):
                profile, _ = load_json(self.root / name, self.root, _REMEDY)
                values = at(profile, "profile_user", 0, "string_map_data")
                owner = identifier(at(values, "Username", "value"))
                if owner is not None:
                    return str(owner)
        return None


def find_parts(path: Path) -> list[Part]:
    """Return the parts of the download at a path: a file of posts, a folder, an archive, or a folder of several."""
    if (named := _POSTS.fullmatch(path.name)) and is_file(path):
        meant = named[2] is not None if named[3] == "html" else _is_posts(path)
        return [Part(_root_of(path))] if meant else []
    if _COPY.fullmatch(path.name) and is_file(path):
        return [Part(_root_of(path))] if _is_posts(path) else []
    if not is_folder(path):
        return []
    if (part := _part(_above(path))) is not None:
        return [part]
    inside = [part for entry in entries(path) if (part := _further_part(entry)) is not None]
    return inside if any(part.is_download() for part in inside) else []


def parts_among(paths: Sequence[Path]) -> list[Part]:
    """Return the parts that paths lead to, each at most to one; none unless one of them holds posts."""
    found = [find_parts(path) or [part for part in [_further_part(path)] if part is not None] for path in paths]
    parts = [part for parts in found for part in parts]
    return parts if any(part.is_download() for part in parts) else []


def posts_of(path: Path, root: Path) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield each post of a file, with warnings about damage in it.

    Raises:
        DataError: the file is malformed or holds no list of posts.
    """
    with open_bytes(path, root) as file:
        head = file.read(64).lstrip()[:1]
        file.seek(0)
        if head == b"[":
            yield from iterate_array(file, str(path))
            return
    value, damage = load_json(path, root, _REMEDY)
    if isinstance(value, dict) and isinstance(value.get("media"), list):  # the only post
        yield value, damage_in(value, damage)
        return
    listed = next((value[key] for key in _KEYS if isinstance(value, dict) and key in value), None)
    if not isinstance(listed, list):
        accepted = f"an array, or an object with {', '.join(_KEYS[:-1])} or {_KEYS[-1]}"
        raise DataError(f"{path} holds no list of posts. Accepted: {accepted}.")
    yield from ((item, damage_in(item, damage)) for item in listed)


def _part(path: Path, pictures: bool = False) -> Part | None:
    """Return the part at a path, which may be in one outer folder."""
    person = _person(path.name)
    outer = entries(path)
    for root in (path, outer[0]) if len(outer) == 1 else (path,):
        part = Part(root, person)
        if part.is_download() or (pictures and part.holds_pictures()):
            return part
    return None


def _further_part(path: Path) -> Part | None:
    """Return the part at an entry of a folder of parts; Instagram packs them as `.zip`."""
    if is_archive(path) and path.is_file() and path.suffix.lower() != ".zip":
        return None
    try:
        return _part(path, pictures=True) if is_folder(path) else None
    except DataError:  # a damaged archive; it is listed with what is not read
        return None


def _above(path: Path) -> Path:
    """Return the download that a folder given is the inner folder of, such as `your_instagram_activity`."""
    for inner in (_INSTAGRAM, *PLACES[:-1]):
        names = tuple(inner.split("/"))
        if path.parts[-len(names) :] == names and Part(path.parents[len(names) - 1]).files():
            return path.parents[len(names) - 1]
    return path


def _person(name: str) -> str:
    suffix = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
    stem = name[: len(name) - len(suffix)]
    match = _PERSON.fullmatch(stem)
    return match["user"] if match else _PART.sub("", stem)


def _root_of(path: Path) -> Path:
    """Return the folder that a file's addresses start from: above the place that the file is in."""
    for place in PLACES[:-1]:
        names = tuple(place.split("/"))
        if path.parent.parts[-len(names) :] == names:
            return path.parents[len(names)]
    return path.parent


def _is_meant(path: Path, place: str) -> bool:
    # A folder named `media` or `content` can hold anybody's `posts.json`.
    return place.startswith(_INSTAGRAM) or _is_posts(path) or (path.suffix == ".html" and place != "")


def _is_posts(path: Path) -> bool:
    """Return whether a file begins as Instagram's files of posts do."""
    try:
        first, _ = next(posts_of(path, path.parent), (None, False))
    except (DataError, OSError):
        return False
    if not isinstance(first, dict):
        return False
    return isinstance(first.get("media"), list) or {"uri", "creation_timestamp"} <= set(first)
