"""File names whose letters are composed (é) or decomposed (e and an accent, as macOS writes them) count as the same."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

from data_loaders.dump_files.archives import is_file


def as_on_disk(path: Path) -> Path:
    """Return the path as the folders on disk spell it; unchanged if it is there so, or in no spelling."""
    if str(path).isascii() or is_file(path):
        return path
    found = Path(path.anchor)
    for part in path.parts[len(found.parts) :]:
        found = found / (part if part.isascii() else _spelled(found, part))
    return found


def _spelled(folder: Path, name: str) -> str:
    try:
        names = _names(folder, folder.stat().st_mtime_ns)
    except (OSError, ValueError):
        return name
    return names.get(name) or names.get(unicodedata.normalize("NFC", name), name)


@lru_cache(maxsize=8)
def _names(folder: Path, changed_ns: int) -> dict[str, str]:
    """Return the names in a folder by themselves and by their composed form."""
    names = sorted(entry.name for entry in folder.iterdir())
    return {**{unicodedata.normalize("NFC", name): name for name in names}, **{name: name for name in names}}
