"""Summarise what a dump contains and what would be refused, before anything is prepared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from data_loaders.bulk.progress import progress_bar
from data_loaders.dump_files.archives import is_file
from data_loaders.readers.base import RawPost, Reader, Rejected
from data_loaders.readers.fields import listing
from data_loaders.readers.likely_encodings import LikelyEncodings

REMEDIES = {
    "absurd_timestamp": "write ISO 8601 or Unix time; such posts count as undated",
    "caption_file_unreadable": "copy the text file into the dump",
    "comments_unreadable": "download the comments again",
    "cut_hashtag": "nothing to do; better, give the whole text, or list the hashtags",
    "duplicate_post_id": "nothing to do if the posts are the same; otherwise give each its own id",
    "empty_post": "give the post a caption, an image or a user",
    "hashtag_not_plain": "nothing to do: required by --plain-hashtags",
    "image_missing": "copy the pictures to where the dump says that they are",
    "image_outside_dump": "copy the picture into the dump's folder and name it relative to the data file",
    "image_path_unusable": "name a picture file",
    "invalid_utf8": "save the file as UTF-8, or read it with --encoding, for example --encoding windows-1252",
    "line_too_long": "write one record per line",
    "malformed_json": "repair the line or file, or download it again",
    "malformed_row": "quote cells that contain the delimiter, a quote or a line break, and double quotes inside",
    "missing_post_id": "give each post an id, map its column (--columns post_id=NAME), or use --number-rows",
    "missing": "copy the file into the dump",
    "mojibake": "nothing to do if the text is right now; better, save the dump again as UTF-8",
    "no_top_hashtag": "nothing to do: required by --only-top-hashtags",
    "not_a_file": "replace it by a file, or delete it",
    "outside_dump": "copy the file into the dump; a data set in the Hugging Face Hub's cache: download it with "
    "--local-dir",
    "repeated_key": "give each key once",
    "retweet": "nothing to do: posts of other people are not read",
    "too_large": "delete the file, or download it again",
    "unknown_timezone": "write times with an offset from UTC, such as +01:00; the others count as UTC",
    "unreadable": "check the permissions of the file",
    "rounded_id": "save or export the dump again with the ids as text, or map another column (--columns post_id=NAME); "
    "if there is none: --columns post_id= --number-rows",
    "unusable_hashtag": "nothing to do: a hashtag needs at least one letter, and is not a piece of an HTML entity",
    "video": "nothing to do: videos are not read",
    "wrong_type": "write the value as the message says",
}
"""What the user can do about each reason."""

_TEMPLATE: dict[str, str | list[str]] = {
    "post_id": "1001",
    "user_id": "ann",
    "timestamp": "2024-05-01T18:30:00Z",
    "caption": "Low tide at dusk #beach #goldenhour",
    "image": "images/1001.jpg",
    "hashtags": ["beach", "goldenhour"],
}


@dataclass(slots=True, kw_only=True)
class DumpSummary:
    """Counts over a dump; memory grows only with its users and ids.

    Attributes:
        kept: number of `posts`, and of posts with `image`, `caption`, `timestamp`, `user` and `hashtags`.
        reasons: refused records by reason.
        warnings: warnings about kept posts by reason.
        examples: the first few records of each reason, as `"where: detail"`.
        users: ids of all users.
        hashtags: number of hashtags of all posts.
        earliest, latest: times of the first and the last post; None if no post is dated.
        mapping_used: fields that were found under another name, with that name.
        columns_unread: columns or keys that no field was read from.
        pictures_missing: posts whose picture file is not there; `prepare` keeps them without it.
        notes: remarks about the dump as a whole.
        encodings: that records which are not UTF-8 seem to have.
    """

    kept: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    hashtags: int = 0
    earliest: datetime | None = None
    latest: datetime | None = None
    mapping_used: dict[str, str] = field(default_factory=dict)
    columns_unread: tuple[str, ...] = ()
    pictures_missing: int = 0
    notes: list[str] = field(default_factory=list)
    encodings: LikelyEncodings = field(default_factory=LikelyEncodings)

    def add(self, record: RawPost | Rejected, most_examples: int) -> None:
        """Count one record."""
        if isinstance(record, Rejected):
            self.reasons[record.reason] += 1
            self.encodings.add(record.detail)
            self._example(record.reason, record.where, record.detail, most_examples)
            return
        for warning in record.warnings:
            reason, _, detail = warning.partition(": ")
            self.warnings[reason] += 1
            self.encodings.add(detail)
            self._example(reason, record.where, detail, most_examples)
        self._count(record, most_examples)

    def _count(self, record: RawPost, most_examples: int) -> None:
        post = record.post
        self.kept["posts"] += 1
        for name in ("image", "caption", "timestamp"):
            self.kept[name] += getattr(post, name) is not None
        if isinstance(post.image, Path) and not is_file(post.image):
            self.pictures_missing += 1
            self._example("image_missing", record.where, f"there is no file {post.image}", most_examples)
        self.kept["hashtags"] += bool(post.hashtags)
        self.hashtags += len(post.hashtags)
        if post.user_id is not None:
            self.kept["user"] += 1
            self.users.add(post.user_id)
        if post.timestamp is not None:
            self.earliest = min(self.earliest or post.timestamp, post.timestamp)
            self.latest = max(self.latest or post.timestamp, post.timestamp)

    def _example(self, reason: str, where: str, detail: str, most: int) -> None:
        known = self.examples.setdefault(reason, [])
        if len(known) < most:
            known.append(f"{where}: {detail}")


def summarise(reader: Reader, most_examples: int = 3) -> DumpSummary:
    """Read a whole dump and return its counts.

    Args:
        reader: the reader of the dump.
        most_examples: how many records to keep as examples of each reason.

    Raises:
        DataError: a file of the dump is damaged.
    """
    summary = DumpSummary()
    with progress_bar("Reading the dump", reader.count(), unit="records") as bar:
        for record in reader.read():
            summary.add(record, most_examples)
            bar.advance()
    summary.mapping_used = dict(reader.mapping_used)
    summary.columns_unread = tuple(reader.columns_unread)
    summary.notes = [*reader.notes(), *summary.encodings.notes()]
    return summary


def describe_summary(summary: DumpSummary) -> str:
    """Return the summary as text, with advice for every reason."""
    kept = summary.kept
    lines = [
        f"{kept['posts']:,} posts by {len(summary.users):,} users, {sum(summary.reasons.values()):,} records refused",
        f"  with an image     {kept['image']:,}{_missing(summary)}",
        f"  with a caption    {kept['caption']:,}",
        f"  with a user       {kept['user']:,}",
        f"  with a timestamp  {kept['timestamp']:,}{_period(summary)}",
        f"  with hashtags     {kept['hashtags']:,} ({summary.hashtags / max(kept['posts'], 1):.1f} hashtags per post)",
    ]
    if summary.mapping_used:
        lines.append("columns with another name: " + _pairs(summary.mapping_used))
    if summary.columns_unread:
        lines.append(unread_columns(summary.columns_unread))
    lines += [f"note: {note}" for note in summary.notes]
    lines += _reasons("refused", summary.reasons, summary)
    lines += _reasons("kept with a warning", summary.warnings, summary)
    lines += _reasons("kept without a picture", Counter(image_missing=summary.pictures_missing), summary)
    if not kept["hashtags"]:
        lines.append("No post has a hashtag: there is nothing to learn from this dump.")
    return "\n".join(lines)


def unread_columns(names: Sequence[str]) -> str:
    """Return a line that names the columns that no field was read from, and says how to read one."""
    return f"columns not read: {listing(names)}; if one holds a field, name it, for example --columns caption=NAME"


def template(format: str = "jsonl") -> str:
    """Return an example record in the exchange format: one line of JSON, or a header and a row of CSV."""
    if format == "jsonl":
        return json.dumps(_TEMPLATE, ensure_ascii=False)
    row = [" ".join(value) if isinstance(value, list) else value for value in _TEMPLATE.values()]
    return ",".join(_TEMPLATE) + "\n" + ",".join(row)


def _missing(summary: DumpSummary) -> str:
    if not summary.kept["image"]:
        return ""
    missing = summary.pictures_missing
    return f" ({missing:,} of the picture files are missing)" if missing else " (all picture files are there)"


def _period(summary: DumpSummary) -> str:
    if summary.earliest is None or summary.latest is None:
        return ""
    return f" ({summary.earliest.date()} to {summary.latest.date()})"


def _pairs(mapping: dict[str, str]) -> str:
    return ", ".join(f"{name}={column}" for name, column in mapping.items())


def _reasons(title: str, counts: Counter[str], summary: DumpSummary) -> list[str]:
    lines = [f"{title}:"] if counts.total() else []
    for reason, count in (+counts).most_common():
        remedy = REMEDIES.get(reason) or ("nothing to do" if reason.startswith("not_a_post:") else "")
        lines.append(f"  {reason}: {count:,}" + (f" ({remedy})" if remedy else ""))
        lines += [f"    {example}" for example in summary.examples[reason]]
    return lines
