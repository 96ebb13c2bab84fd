"""Find pictures again whose folder was moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from data_loaders.errors import DataError

_SAMPLE = 1_000


def find_moved(paths: Sequence[Path | None], folder: Path) -> list[Path | None]:
    """Return where the pictures are: those that are not at their path, at the same place within `folder`.

    All moved together, so one folder above all of them corresponds to the new one: the one with which most are found.

    Args:
        paths: where the pictures were; None for a post without one.
        folder: the folder that was moved, or one in it, at its new place.

    Raises:
        DataError: there is no such folder, or none of the pictures is in it.
    """
    if not folder.is_dir():
        raise DataError(f"--images {folder}: there is no such folder; give the one that the pictures are in now.")
    gone = [path for path in paths if path is not None and not path.exists()]
    if not gone:
        return list(paths)
    sample = gone[:: max(len(gone) // _SAMPLE, 1)]
    found = Counter(above for path in sample for above in path.parents if (folder / path.relative_to(above)).is_file())
    if not found:
        raise DataError(
            f"--images {folder}: none of the {len(gone):,} pictures that are not in their place is there, for instance "
            f"{gone[0]}. Give the folder that the dump is in now."
        )
    (above, _), *_ = found.most_common(1)
    new = folder.resolve()
    moved = {path: new / path.relative_to(above) for path in gone if path.is_relative_to(above)}
    return [None if path is None else moved.get(path, path) for path in paths]
