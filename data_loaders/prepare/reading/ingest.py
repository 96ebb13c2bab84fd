"""`Ingest`: read the records of a dump once, check their pictures, stage the posts and note their numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_loaders.bulk.tasks import Advance
from data_loaders.dump_files.archives import is_packed
from data_loaders.dump_files.opening import FileRefused, read_file
from data_loaders.images.check import ImageInspector, ImageReport
from data_loaders.images.limits import MOST_FILE_BYTES
from data_loaders.images.loading import ImageError
from data_loaders.posts import Post
from data_loaders.prepare.duplicates import caption_key
from data_loaders.prepare.reading.columns import ColumnsBuilder
from data_loaders.prepare.reading.picture_copies import PictureCopies
from data_loaders.prepare.reading.rejections import RejectionLog
from data_loaders.prepare.reading.staging import Staging
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.readers.base import RawPost, Reader, Record, Rejected
from data_loaders.readers.record_batches import record_batches
from data_loaders.text.hashtags import remove_hashtags
from data_loaders.text.plain_hashtags import plain_hashtags


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """Reads posts into the staging file and the columns.

    Attributes:
        staging: receives the posts.
        columns: receives the numbers that describe them.
        log: receives refused records and warnings.
        folder: path of the future prepared folder; image paths are written relative to it.
        copies: receives the pictures that have no file of their own.
        inspector: opens the pictures; None to skip this.
        settings: the settings of `prepare`.
    """

    staging: Staging
    columns: ColumnsBuilder
    log: RejectionLog
    folder: Path
    copies: PictureCopies
    inspector: ImageInspector | None
    settings: PrepareSettings

    def read(self, reader: Reader, advance: Advance) -> None:
        """Read all records of a dump or a part of it.

        Args:
            reader: reads them.
            advance: is told how many more were read.

        Raises:
            DataError: the dump is damaged, or a picture cannot be used and the policy is `raise`.
        """
        for records in record_batches(reader.read()):
            self._take(records, reader.root)
            advance(len(records))

    def _take(self, records: Sequence[Record], root: Path) -> None:
        pictures = [_picture(record.post) for record in records if isinstance(record, RawPost)]
        inspected = (
            [ImageReport()] * len(pictures) if self.inspector is None else self.inspector.inspect(pictures, root)
        )
        reports = iter(inspected)
        for record in records:
            if isinstance(record, Rejected):
                self.log.add(record.where, record.reason, record.detail, record.post_id, kept=False)
            else:
                plain = _with_plain_hashtags(record) if self.settings.plain_hashtags else record
                self._take_one(plain, next(reports), root)

    def _take_one(self, record: RawPost, report: ImageReport, root: Path) -> None:
        post = replace(record.post, caption=_without_hashtags(record))
        notes = [(reason, detail) for reason, _, detail in (text.partition(": ") for text in record.warnings)]
        image, error = None, report.error
        if error is None:
            image, error = self._place(_picture(post), report.digest, root)
        if error is not None:
            if self.settings.image_policy == "raise":
                raise error
            notes.append((f"image_{error.reason}", str(error)))
            kept = _picture(post) if self.settings.image_policy == "blank" else None
            image = _relative(kept, self.folder) if isinstance(kept, Path) else None
        if image is not None and not _is_utf8(image):
            notes.append(("image_path_unusable", f"{image!r} is not UTF-8; rename the folder or file"))
            image = None
        post = post if image is not None else replace(post, image=None)
        if post.caption is None and post.image is None and post.user_id is None:
            detail = " ".join(["Nothing is left except hashtags.", *(detail for _, detail in notes)])
            self.log.add(record.where, "empty_post", detail, post.post_id, kept=False)
            self.columns.add_lost(post.post_id)
            return
        for reason, detail in notes:
            self.log.add(record.where, reason, detail, post.post_id, kept=True)
        self.staging.add(post, record.post.caption, image, record.hashtags_surface, record.where)
        if self.settings.near_duplicates:
            words = caption_key(post.caption)
            self.columns.add(post, caption_key=words, image_key=report.key, image_colours=report.colours)
        else:
            self.columns.add(post)

    def _place(
        self, picture: Path | bytes | None, digest: str | None, root: Path
    ) -> tuple[str | None, ImageError | None]:
        """Return where the prepared folder finds a picture; one without a file of its own is copied there."""
        if isinstance(picture, Path):
            if not is_packed(picture):
                return _relative(picture, self.folder), None
            try:
                picture = read_file(picture, root, MOST_FILE_BYTES)
            except FileRefused as error:
                return None, ImageError(str(picture), error.reason, error.cause)
        return (None if picture is None else self.copies.add(picture, digest)), None


def _with_plain_hashtags(record: RawPost) -> RawPost:
    post = record.post
    hashtags, surfaces = plain_hashtags(post.hashtags, record.hashtags_surface)
    if len(hashtags) == len(post.hashtags):
        return record
    lost = ", ".join(hashtag for hashtag in post.hashtags if hashtag not in hashtags)
    warning = f"hashtag_not_plain: {lost}; accepted with --plain-hashtags: letters only, no English stop words"
    return replace(
        record, post=replace(post, hashtags=hashtags), hashtags_surface=surfaces, warnings=(*record.warnings, warning)
    )


def _without_hashtags(record: RawPost) -> str | None:
    caption = record.post.caption
    return None if caption is None else remove_hashtags(caption, record.hashtags_surface).strip() or None


def _picture(post: Post) -> Path | bytes | None:
    """Return the picture of a post that was just read: a path, or the content of a file."""
    if isinstance(post.image, bytes):
        return post.image
    return Path(post.image) if isinstance(post.image, (str, Path)) else None


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _relative(path: Path, folder: Path) -> str:
    # Both paths are resolved, so that the relative path works through symbolic links.
    resolved = path.parent.resolve() / path.name
    try:
        return Path(os.path.relpath(resolved, folder.resolve())).as_posix()
    except ValueError:  # another drive
        return resolved.as_posix()
