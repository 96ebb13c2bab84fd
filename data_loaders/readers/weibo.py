"""Read the JSON files that the crawlers of Weibo write, one for each person: `{"user": {…}, "weibo": [{…}, …]}`.

Their tables have Chinese column names, which `fields` knows: https://github.com/dataabc/weibo-crawler
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_loaders.dump_files.archives import entries, is_file, is_folder
from data_loaders.errors import DataError
from data_loaders.readers.base import Reader, ReaderOptions, Record, Rejected
from data_loaders.readers.data_files import PICTURES, beside, data_files
from data_loaders.readers.files import damage_in, load_json, open_bytes
from data_loaders.readers.json_values import at, identifier
from data_loaders.readers.records import build_post
from data_loaders.readers.registry import register_reader
from data_loaders.text.tag_lists import describe

_HEAD = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"(?:user|weibo)"\s*:')
_POSTS = re.compile(rb'"weibo"\s*:\s*\[')
_HEAD_BYTES = 1 << 18
_IDS = ("id", "bid", "_id")
_TEXTS = ("text", "content")
_TIMES = ("full_created_at", "created_at", "publish_time")
# What follows are the words of others: those who were forwarded, or the original.
_OTHERS_WORDS = re.compile(r"//@|\n?原始用户\s*[:\uff1a]|\n?转发内容\s*[:\uff1a]")
_REASON = re.compile(r"^转发理由\s*[:\uff1a]\s*")
_FORWARDED = frozenset({"", "转发微博", "轉發微博", "repost"})
_ORIGINAL_PICTURES = "img/原创微博图片"


@register_reader("weibo")
class WeiboReader(Reader):
    """Reads the posts of each file; of a forwarded post only the words of the one who forwarded it."""

    accepts = 'JSON of a Weibo crawler: {"user": {…}, "weibo": [{…}, …]}, a file or a folder of such files'

    def __init__(self, path: Path, options: ReaderOptions | None = None) -> None:
        super().__init__(path, options)
        self._forwarded = 0

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether the path is such a file, or a folder where every JSON file is one."""
        files = _files(path)
        return bool(files) and all(_is_weibo(file) for file in files)

    def notes(self) -> list[str]:
        """Return how many posts forward others."""
        notes = beside(self.path, _files(self.path)) if is_folder(self.path) else []
        if self._forwarded:
            notes.append(f"{self._forwarded:,} posts forward another; only what their author added is read.")
        return notes

    def records(self) -> Iterator[Record]:
        """Yield the record of every post, file by file in order of name.

        Raises:
            DataError: a file is malformed.
        """
        self._forwarded = 0
        for path in _files(self.path):
            content, damage = load_json(path, self.root, "Crawl it again.")
            posts = at(content, "weibo")
            if not isinstance(posts, list):
                raise DataError(f'{path} holds no posts of Weibo. Accepted: an object with "weibo": [{{…}}, …].')
            shown = path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name
            pictures = _pictures(path.parent / _ORIGINAL_PICTURES)
            for number, post in enumerate(posts, start=1):
                where = f"{shown}:item {number}"
                if not isinstance(post, dict):
                    detail = f"The item is {describe(post)}. Accepted: an object with id and text."
                    yield Rejected(where=where, reason="wrong_type", detail=detail)
                    continue
                yield self._post(post, at(content, "user"), pictures, where, damage_in(post, damage))

    def _post(
        self, post: dict[str, Any], user: Any, pictures: dict[str, Path], where: str, warnings: tuple[str, ...]
    ) -> Record:
        post_id = _first(post, _IDS)
        text = _first(post, _TEXTS)
        if isinstance(post.get("retweet"), dict) or post.get("original") is False:
            own = _OTHERS_WORDS.split(text)[0].strip() if isinstance(text, str) else ""
            own = _REASON.sub("", own)
            if own.lower() in _FORWARDED:
                detail = "The post only forwards another; accepted: posts with words of their author."
                shown_id = None if identifier(post_id) is None else str(post_id)
                return Rejected(where=where, reason="retweet", detail=detail, post_id=shown_id)
            self._forwarded += 1
            text, post = own, {**post, "topics": None}
        picture = pictures.get(str(post_id))
        topics = post.get("topics")
        fields = {
            "post_id": post_id,
            "user_id": identifier(post.get("user_id")) or identifier(at(user, "id")),
            "timestamp": _first(post, _TIMES),
            "caption": text,
            "image": None if picture is None else picture.relative_to(self.root).as_posix(),
            "hashtags": [topic for topic in topics.split(",") if topic.strip()] if isinstance(topics, str) else topics,
        }
        fields["hashtags"] = fields["hashtags"] or None
        return build_post(fields, where, self.root, self.options.user_id, warnings)


def _files(path: Path) -> list[Path]:
    if is_folder(path):
        return [file for file in data_files(path, (".json",)) if not file.name.startswith("users")]
    return [path] if path.suffix.lower() == ".json" and is_file(path) else []


def _is_weibo(path: Path) -> bool:
    try:
        with open_bytes(path, path.parent) as file:
            head = file.read(_HEAD_BYTES)
    except DataError:
        return False
    return bool(_HEAD.match(head) and _POSTS.search(head))


def _first(post: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((post[key] for key in keys if post.get(key) not in (None, "")), None)


def _pictures(folder: Path) -> dict[str, Path]:
    """Return the first picture of each post by its id, which is a part of the name: `20230301_4873_1.jpg`."""
    found: dict[str, Path] = {}
    for path in entries(folder):
        if path.name.lower().endswith(PICTURES):
            for part in path.stem.split("_")[1:]:
                found.setdefault(part, path)
    return found
