"""`PictureCopies`: pictures that have no file of their own, in archives or tables, get one in the prepared folder.

Training opens pictures in random order, in several processes: a compressed archive would be unpacked from its beginning
for each, and a prepared folder would depend on the inside of a file. A copy is an ordinary picture for everything else.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from data_loaders.images.check import content_digest
from data_loaders.prepare.folder_format import PICTURES_FOLDER

_ENDINGS = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png", b"GIF8": ".gif", b"RIFF": ".webp", b"BM": ".bmp"}


class PictureCopies:
    """Writes pictures into a prepared folder, each once, under names made of their content.

    Args:
        folder: the prepared folder.

    Attributes:
        count: number of files written.
        bytes: their size.
    """

    def __init__(self, folder: Path) -> None:
        self.count = 0
        self.bytes = 0
        self._folder = folder

    def add(self, content: bytes, digest: str | None = None) -> str:
        """Write a picture unless it is there, and return its path relative to the prepared folder.

        Args:
            content: of the file.
            digest: its `content_digest`, if that is known.
        """
        digest = (digest or content_digest(content))[:32]
        ending = next((ending for head, ending in _ENDINGS.items() if content.startswith(head)), "")
        name = f"{PICTURES_FOLDER}/{digest[:2]}/{digest}{ending}"
        path = self._folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            self.count += 1
            self.bytes += len(content)
        return name

    def take(self, names: Iterable[str], folder: Path) -> None:
        """Take over pictures that lie in another folder, on the same disk if possible without a copy.

        Args:
            names: what `add` returned for them.
            folder: where `PictureCopies` has written them.
        """
        for name in names:
            path = self._folder / name
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.hardlink_to(folder / name)
            except OSError:  # another disk, or a file system without links
                shutil.copyfile(folder / name, path)
            self.count += 1
            self.bytes += path.stat().st_size

    def notes(self) -> list[str]:
        """Return how many pictures were copied, if any."""
        if not self.count:
            return []
        size = f"{self.bytes / 1e6:,.1f} MB"
        return [
            f"{self.count:,} pictures from inside of archives or tables were copied to {PICTURES_FOLDER}/ ({size}), "
            "where training reads them; the dump is not needed for them any more."
        ]
