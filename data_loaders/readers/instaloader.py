"""Read the folders that Instaloader writes: one JSON file per post, with pictures and texts of the same stem."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from data_loaders.dump_files.archives import is_folder, walk
from data_loaders.dump_files.opening import FileRefused, read_file
from data_loaders.dump_files.unpacking import LONGEST_LINE
from data_loaders.errors import DataError
from data_loaders.readers import instaloader_nodes as nodes
from data_loaders.readers.base import RawPost, Reader, Record, Rejected
from data_loaders.readers.files import decode
from data_loaders.readers.records import build_post
from data_loaders.readers.registry import register_reader
from data_loaders.text.hashtags import canonical_list, extract

_JSON_SUFFIXES = (".json", ".json.xz")
_COMMENTS = "_comments.json"
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif", ".gif", ".bmp")
_VIDEOS = (".mp4",)
_MOST_IN_A_CAROUSEL = 20
_FILES_LOOKED_INTO = 50
_LARGEST_JSON = 1 << 25
_LARGEST_PACKED_MEMORY = 1 << 27


@register_reader("instaloader")
class InstaloaderReader(Reader):
    """Reads every post below a folder; files are matched by stem, because users can set any name pattern."""

    accepts = "a folder that Instaloader wrote, or its archive, with .json or .json.xz metadata (its default)"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether one of the first JSON files below the folder was written by Instaloader."""
        if not is_folder(path):
            return False
        return any(_is_instaloader(folder / name, path) for folder, name, _ in islice(_walk(path), _FILES_LOOKED_INTO))

    def count(self) -> int:
        """Return the number of JSON files, including profiles and others."""
        return sum(1 for _ in _walk(self.path))

    def records(self) -> Iterator[Record]:
        """Yield the record of every JSON file, folder by folder, sorted by name."""
        for folder, name, names in _walk(self.path):
            yield self._record(folder, name, names)

    def _record(self, folder: Path, name: str, names: frozenset[str]) -> Record:
        where = (folder / name).relative_to(self.path).as_posix()
        try:
            node, node_type = nodes.post_node(_load(folder / name, self.path))
        except FileRefused as problem:
            return Rejected(where=where, reason=problem.reason, detail=str(problem))
        except DataError as problem:
            return Rejected(where=where, reason="malformed_json", detail=str(problem))
        if node is None:
            detail = f"The file holds a {node_type}; accepted: the metadata of a Post."
            return Rejected(where=where, reason=f"not_a_post:{node_type}", detail=detail)
        stem = name.removesuffix(".xz").removesuffix(".json")
        if _is_video(node, stem, names):
            post_id = nodes.post_id(node)
            detail = "The post is a video; accepted: posts with a picture."
            return Rejected(
                where=where, reason="video", detail=detail, post_id=None if post_id is None else str(post_id)
            )
        return self._post(node, folder, stem, names, where)

    def _post(self, node: dict[str, Any], folder: Path, stem: str, names: frozenset[str], where: str) -> Record:
        warnings: list[str] = []
        picture = _picture(node, stem, names)
        fields = {
            "post_id": nodes.post_id(node),
            "user_id": nodes.owner(node),
            "timestamp": nodes.timestamp(node),
            "caption": nodes.caption(node) or _text_file(folder, f"{stem}.txt", names, self.path, warnings),
            "image": None if picture is None else (folder / picture).relative_to(self.path).as_posix(),
        }
        record = build_post(fields, where, self.path, self.options.user_id)
        if not isinstance(record, RawPost):
            return record
        if self.options.owner_comments and stem + _COMMENTS in names:
            record = _with_comment_hashtags(record, node, folder / (stem + _COMMENTS), self.path, warnings)
        return replace(record, warnings=record.warnings + tuple(warnings))


def _walk(root: Path) -> Iterator[tuple[Path, str, frozenset[str]]]:
    """Yield folder, JSON file name and all names in that folder, for every JSON file that may hold a post."""
    for folder, names in walk(root):
        for name in sorted(names):
            if name.endswith(_JSON_SUFFIXES) and not name.endswith(_COMMENTS) and not name.startswith("."):
                yield folder, name, names


def _load(path: Path, root: Path) -> Any:
    content = read_file(path, root, _LARGEST_JSON)
    if path.suffix == ".xz":
        try:
            content = _unpacked(content)
        except (lzma.LZMAError, EOFError) as problem:
            raise DataError(f"{path.name} cannot be read: {problem}.") from problem
    if len(content) > _LARGEST_JSON:
        raise DataError(f"{path.name} is larger than {_LARGEST_JSON >> 20} MiB.")
    try:
        return json.loads(content.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{path.name} is not JSON: {problem}.") from problem


def _unpacked(packed: bytes) -> bytes:
    unpacker = lzma.LZMADecompressor(memlimit=_LARGEST_PACKED_MEMORY)
    content = unpacker.decompress(packed, _LARGEST_JSON + 1)
    if not unpacker.eof and len(content) <= _LARGEST_JSON:
        raise EOFError("the file is truncated")
    return content


def _is_instaloader(path: Path, root: Path) -> bool:
    try:
        structure = _load(path, root)
    except DataError:
        return False
    return isinstance(structure, dict) and ("instaloader" in structure or "shortcode" in structure)


def _is_video(node: dict[str, Any], stem: str, names: frozenset[str]) -> bool:
    kind = nodes.kind(node)
    if kind == "carousel":
        return 0 < nodes.children_count(node) == len(nodes.video_positions(node))
    return kind == "video" or (kind is None and _with_suffix(stem, _VIDEOS, names) is not None)


def _picture(node: dict[str, Any], stem: str, names: frozenset[str]) -> str | None:
    """Return the name of the post's picture: for a carousel, the first that is not the thumbnail of a video.

    Without a file, it is the name that Instaloader would give it, so that the picture counts as missing; None if the
    node does not say that there is one.
    """
    kind, videos = nodes.kind(node), nodes.video_positions(node)
    if kind in ("carousel", None):
        for number in range(1, max(nodes.children_count(node), _MOST_IN_A_CAROUSEL) + 1):
            numbered = f"{stem}_{number}"
            if number not in videos and _with_suffix(numbered, _VIDEOS, names) is None:
                found = _with_suffix(numbered, _PICTURES, names)
                if found is not None:
                    return found
    return _with_suffix(stem, _PICTURES, names) or (None if kind is None else _missing_name(node, stem))


def _missing_name(node: dict[str, Any], stem: str) -> str:
    videos = nodes.video_positions(node)
    first = next((number for number in range(1, nodes.children_count(node) + 1) if number not in videos), None)
    return f"{stem if first is None else f'{stem}_{first}'}{_PICTURES[0]}"


def _with_suffix(stem: str, suffixes: tuple[str, ...], names: frozenset[str]) -> str | None:
    """Return the first name that is the stem with one of the suffixes, which may be in capitals (`.JPG`, `.Jpg`)."""
    spelled = (stem + spelling for suffix in suffixes for spelling in (suffix, suffix.upper(), suffix.title()))
    return next((name for name in spelled if name in names), None)


def _text_file(folder: Path, name: str, names: frozenset[str], root: Path, warnings: list[str]) -> str | None:
    if name not in names:
        return None
    try:
        text, warned = decode(read_file(folder / name, root, LONGEST_LINE))
    except FileRefused as problem:
        warnings.append(f"caption_file_unreadable: {problem} The post has no caption")
        return None
    warnings.extend(warned)
    return text.removesuffix("\n") or None


def _with_comment_hashtags(
    record: RawPost, node: dict[str, Any], path: Path, root: Path, warnings: list[str]
) -> RawPost:
    try:
        comment = nodes.owners_first_comment(_load(path, root), node)
    except DataError as problem:
        warnings.append(f"comments_unreadable: {problem} Hashtags in comments are not read")
        return record
    if comment is None:
        return record
    canonical, surfaces = canonical_list(record.hashtags_surface + tuple(extract(comment)))
    return replace(record, post=replace(record.post, hashtags=canonical), hashtags_surface=surfaces)
