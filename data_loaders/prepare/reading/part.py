"""`ReadPart`: the shard task that reads a part of a dump and stages its posts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from data_loaders import __version__
from data_loaders.bulk.tasks import Advance, ShardTask, name_of
from data_loaders.images.check import ImageInspector
from data_loaders.prepare.folder_format import FORMAT_VERSION, REJECTED
from data_loaders.prepare.reading.columns import ColumnsBuilder, StoredColumns, save_columns
from data_loaders.prepare.reading.ingest import Ingest
from data_loaders.prepare.reading.picture_copies import PictureCopies
from data_loaders.prepare.reading.rejections import RejectionLog
from data_loaders.prepare.reading.staging import Staging
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.readers.base import Findings, Reader

_VERSION = 2  # of the files of a part
_POSTS, _COLUMNS, _SUMMARY = "posts.arrow", "columns.npz", "part.json"
# The settings that concern single posts; the others act on all of them together.
_OF_POSTS = ("plain_hashtags", "near_duplicates", "check_images", "image_policy")


@dataclass(frozen=True)
class ReadPart(ShardTask):
    """Reads a part of a dump.

    Attributes:
        reader: reads the part.
        prepared: path of the future prepared folder; image paths are written relative to it.
        settings: the settings of `prepare`.
    """

    reader: Reader
    prepared: Path
    settings: PrepareSettings

    @cached_property
    def name(self) -> str:
        """A name made of the part, its files' sizes and times, and what is done with its posts."""
        settings = {name: getattr(self.settings, name) for name in _OF_POSTS}
        return name_of(__version__, _VERSION, FORMAT_VERSION, self.reader.identity(), str(self.prepared), settings)

    def write(self, folder: Path, advance: Advance) -> None:
        """Read the part into a folder.

        Raises:
            DataError: the dump is damaged, or a picture cannot be used and the policy is `raise`.
        """
        staging, columns, records = Staging(folder / _POSTS), ColumnsBuilder(), 0

        def count(steps: int) -> None:
            nonlocal records
            records += steps
            advance(steps)

        inspector = ImageInspector() if self.settings.check_images else nullcontext()
        with RejectionLog(folder / REJECTED, lambda: len(columns)) as log, staging, inspector as opened:
            copies = PictureCopies(folder)
            ingest = Ingest(
                staging=staging, columns=columns, log=log, folder=self.prepared, copies=copies, inspector=opened,
                settings=self.settings,
            )  # fmt: skip
            ingest.read(self.reader, count)
        save_columns(columns.columns(), folder / _COLUMNS)
        summary = {"records": records, "findings": asdict(self.reader.findings()), "rejections": log.counts()}
        (folder / _SUMMARY).write_text(json.dumps(summary), encoding="ascii")

    def steps(self, folder: Path) -> int:
        """Return the number of records of a part that was read."""
        return PartFolder(folder).records


class PartFolder:
    """What `ReadPart` has written.

    Args:
        folder: the folder.

    Attributes:
        posts: the file of staged posts.
        columns: the numbers that describe them.
        rejected: the file that lists refused records and warnings.
        records: number of records, refused ones included.
        findings: what the reader has found out about the part.
        rejections: see `RejectionLog.counts`.
    """

    def __init__(self, folder: Path) -> None:
        summary: dict[str, Any] = json.loads((folder / _SUMMARY).read_text(encoding="ascii"))
        self.folder, self.posts, self.rejected = folder, folder / _POSTS, folder / REJECTED
        self.columns = StoredColumns(folder / _COLUMNS)
        self.records: int = summary["records"]
        self.findings = Findings(**summary["findings"])
        self.rejections: Mapping[str, Mapping[str, int]] = summary["rejections"]
