"""`FilesBeside`: what is kept beside a log, so that a memory opens fast and a forgotten user stays forgotten."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from multimodal.memory.live.snapshot import Origin
from multimodal.memory.live.tombstones import Tombstones
from multimodal.storage.user_cache import user_cache

_SQLITE = "sqlite:///"
_PASSWORD = re.compile(r"(?<=[^/]):[^/?@]*(?=@)|[?&]password=[^&]*")
SNAPSHOT, SPANS, _FORGOTTEN = "snapshot", "spans", "forgotten"


@dataclass(frozen=True, slots=True)
class FilesBeside:
    """A folder with the snapshot of a memory, the spans of its index and who was forgotten.

    Attributes:
        folder: made when something is written.
        origin: of the memory.
    """

    folder: Path
    origin: Origin

    @property
    def snapshot(self) -> Path:
        """Folder of the snapshot."""
        return self.folder / SNAPSHOT

    def spans(self, generation: int) -> Path:
        """Return the folder of the index for the positions of a generation, see `LogPlace`."""
        return self.folder / SPANS / str(generation)

    def remove_spans(self, below: int) -> None:
        """Remove the indices of earlier generations; what this process reads of them stays readable."""
        for generation in range(below):
            shutil.rmtree(self.spans(generation), ignore_errors=True)

    @property
    def tombstones(self) -> Tombstones:
        """Who was forgotten."""
        return Tombstones(self.folder / _FORGOTTEN)


def folder_beside(address: str | Path) -> Path:
    """Return the folder beside a log: `memory.sqlite.files` for a file, one in the user's cache for a server."""
    text = os.fspath(address)
    if "://" in text and not text.startswith(_SQLITE):
        text = _PASSWORD.sub("", text)  # it may change, and what was forgotten must not
        name = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
        return user_cache() / f"memory-{name}"
    return Path(f"{text.removeprefix(_SQLITE)}.files")


def remove_caches(folder: Path) -> None:
    """Remove what can be made again from the log: the snapshot and the spans, not who was forgotten."""
    for name in (SNAPSHOT, SPANS):
        shutil.rmtree(folder / name, ignore_errors=True)
