"""Read the download that Instagram offers its users: their own posts, archived posts, reels and stories."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data_loaders.dump_files.archives import entries, is_file
from data_loaders.errors import DataError, some_of
from data_loaders.readers.base import RawPost, Reader, ReaderOptions, Record, Rejected
from data_loaders.readers.data_files import unusable
from data_loaders.readers.instagram_files import PLACES, Part, find_parts, parts_among, posts_of
from data_loaders.readers.json_values import at
from data_loaders.readers.records import build_post
from data_loaders.readers.registry import register_reader
from data_loaders.text.mojibake import undo
from data_loaders.text.tag_lists import describe

_ENDING = re.compile(r"\.\w{1,5}$")
_VIDEOS = (".mp4", ".mov", ".m4v", ".webm", ".avi")
_NOTES = {
    "mended": "{:,} captions were UTF-8 read as Latin-1 (mojibake), as in all downloads of Instagram; that was undone.",
    "video": "{:,} posts have a video and no picture; only their caption is read.",
    "missing": "{:,} posts have a picture that is in no part of the download; give all parts, in one folder.",
}


@register_reader("instagram_download")
class InstagramDownloadReader(Reader):
    """Reads the files of posts of one or several people's downloads, and no other file but the name of the account."""

    accepts = (
        "a download from Instagram in JSON, a folder or .zip with your_instagram_activity/ or content/posts_1.json; "
        "or a folder of its parts"
    )

    def __init__(self, path: Path, options: ReaderOptions | None = None) -> None:
        super().__init__(path, options)
        if is_file(self.path) and (parts := find_parts(self.path)):
            self.root = parts[0].root
        self._given: tuple[Path, ...] = ()
        self._counts: Counter[str] = Counter()
        self._read: list[str] = []
        self._besides: list[str] = []

    @classmethod
    def of_parts(
        cls, path: Path, parts: Sequence[Path], options: ReaderOptions | None = None
    ) -> InstagramDownloadReader | None:
        """Return the reader for parts that were named one by one; None if they are none."""
        if not parts_among(parts):
            return None
        reader = cls(path, options)
        reader._given, reader.root = tuple(parts), Path(os.path.commonpath([part.absolute() for part in parts]))
        return reader

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether the path is a download, a part of one, a folder of parts, or a file of posts of one."""
        return bool(find_parts(path))

    def notes(self) -> list[str]:
        """Return which files were read, what was mended or left out, and whose download has an unknown owner."""
        read = f"Only files of posts are read, here {some_of(self._read, 6)}; messages, followers and the rest are not."
        counts = (text.format(self._counts[key]) for key, text in _NOTES.items() if self._counts[key])
        return [*([read] if self._read else []), *self._besides, *counts]

    def records(self) -> Iterator[Record]:
        """Yield the record of every post, part by part in order of name, file by file.

        Raises:
            DataError: there are no posts in JSON, or a file is damaged.
        """
        self._counts.clear()
        self._read, self._besides = [], []
        parts = parts_among(self._given) if self._given else find_parts(self.path)
        alone = is_file(self.path) and self.path.suffix in (".json", ".html")
        files = {part: [self.path] if alone else part.files() for part in parts}
        beside = self._given or tuple(entries(self.path))
        inside = [path for path in beside if not any(part.root.is_relative_to(path) for part in parts)]
        if parts and self.path != parts[0].root and inside:
            self._besides.append(
                f"Not a part of a download, and not read: {some_of([path.name for path in inside], 8)}."
            )
        self._besides += unusable(self.path, *(part.root for part in parts))
        if not alone:
            self._besides += self._copies(parts)
        self._check(parts, [path for paths in files.values() for path in paths if path.suffix == ".json"])
        for person, theirs in _people(parts, files).items():
            owner = self._owner(person, theirs)
            for part in theirs:
                for path in files[part]:
                    self._read.append(self._shown(path))
                    yield from self._file(path, part, theirs, owner)

    def _check(self, parts: list[Part], files: list[Path]) -> None:
        if files:
            return
        if any(part.files("html") for part in parts) or self.path.suffix == ".html":
            raise DataError(
                f"{self.path} is a download from Instagram in HTML, which is for people to read. Ask Instagram for it "
                "again and choose JSON as its format."
            )
        raise DataError(
            f"{self.path} contains no posts of a download from Instagram. Accepted: {self.accepts}; looked for "
            f"posts_1.json in {', '.join(PLACES[:-1])}. {''.join(f'{note} ' for note in self._copies(parts))}"
            "Ask Instagram for it again, with your posts, in JSON."
        )

    def _copies(self, parts: list[Part]) -> list[str]:
        copies = [self._shown(path) for part in parts for path in part.copies()]
        note = f"Not read, for these are names of copies: {some_of(copies, 8)}. To read them, name them posts_2.json, …"
        return [note] if copies else []

    def _owner(self, person: str, parts: list[Part]) -> str | None:
        owner = next((owner for part in parts if (owner := part.owner()) is not None), None)
        if owner is None and self.options.user_id is None:
            whose = f" of {person}" if person else ""
            self._besides.append(
                f"No file of the download{whose} names its owner, so its posts have no user and no history; set the "
                "user with --user-id."
            )
        return owner

    def _file(self, path: Path, part: Part, parts: list[Part], owner: str | None) -> Iterator[Record]:
        shown = self._shown(path)
        for number, (item, warnings) in enumerate(posts_of(path, part.root), start=1):
            where = f"{shown}:item {number}"
            if not isinstance(item, dict):
                detail = f"The item is {describe(item)}. Accepted: an object with media."
                yield Rejected(where=where, reason="wrong_type", detail=detail)
                continue
            media = item.get("media")
            if media is not None and not (isinstance(media, list) and all(isinstance(one, dict) for one in media)):
                detail = f"media is {describe(media)}. Accepted: a list of objects with uri."
                yield Rejected(where=where, reason="wrong_type", detail=detail)
                continue
            yield self._post(item, (part, *parts), owner, where, warnings)

    def _post(
        self, item: dict[str, Any], parts: tuple[Part, ...], owner: str | None, where: str, warnings: tuple[str, ...]
    ) -> Record:
        media = _media(item)
        addresses = [piece["uri"] for piece in media if isinstance(piece.get("uri"), str)]
        pictures = [address for address in addresses if not address.lower().endswith(_VIDEOS)]
        picture = pictures[0] if pictures else None
        root = next((part.root for part in parts if picture and is_file(part.root / picture)), parts[0].root)
        caption, mended = _caption(item, media)
        post_id = _post_id(addresses) or where
        if addresses and not pictures and not (isinstance(caption, str) and caption.strip()):
            detail = "The post is a video without a caption; accepted: posts with a picture or a caption."
            return Rejected(where=where, reason="video", detail=detail, post_id=post_id)
        fields = {
            "post_id": post_id,
            "user_id": owner,
            "timestamp": _first(item, media, "creation_timestamp"),
            "caption": caption,
            "image": picture,
        }
        record = build_post(fields, where, root, self.options.user_id, warnings)
        if isinstance(record, RawPost):
            self._counts["mended"] += mended
            self._counts["video"] += bool(addresses) and not pictures
            self._counts["missing"] += picture is not None and not is_file(root / picture)
        return record

    def _shown(self, path: Path) -> str:
        base = self.root if self._given else self.path
        inside = path != base and path.is_relative_to(base)
        return path.relative_to(base).as_posix() if inside else path.name


def _people(parts: list[Part], files: dict[Part, list[Path]]) -> dict[str, list[Part]]:
    """Return the parts of each person; all are those of one where only one has posts."""
    people: dict[str, list[Part]] = {}
    for part in parts:
        people.setdefault(part.person, []).append(part)
    posting = [person for person, theirs in people.items() if any(files[part] for part in theirs)]
    return {posting[0]: parts} if len(posting) == 1 else people


def _media(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pictures and videos of a post; a story is its own."""
    media = item.get("media")
    return media if isinstance(media, list) else [item]


def _caption(item: dict[str, Any], media: list[dict[str, Any]]) -> tuple[Any, bool]:
    """Return the caption, which a post with one picture keeps with the picture, and whether it was mended."""
    caption = _first(item, media, "title")
    mended = undo(caption) if isinstance(caption, str) else None
    return (caption, False) if mended is None else (mended, True)


def _first(item: dict[str, Any], media: list[dict[str, Any]], key: str) -> Any:
    values = (at(piece, key) for piece in (item, *media))
    return next((value for value in values if value not in (None, "", 0) and value != " "), None)


def _post_id(addresses: list[str]) -> str | None:
    """Return the address of the first picture or video without `media/` and ending: posts have no id of their own."""
    if not addresses:
        return None
    return _ENDING.sub("", addresses[0]).removeprefix("media/") or None
