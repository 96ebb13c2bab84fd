"""Find pictures again whose folder was moved."""

from __future__ import annotations

import os
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
    common = Path(os.path.commonpath([path.parent for path in gone]))
    sample = gone[:: max(len(gone) // _SAMPLE, 1)]

    def found(above: Path) -> int:
        return sum((folder / path.relative_to(above)).is_file() for path in sample)

    above = max((common, *common.parents), key=found)
    if not found(above):
        raise DataError(
            f"--images {folder}: none of the {len(gone):,} pictures that are not in their place is there. Looked for "
            f"{folder / gone[0].relative_to(common)} and the like; give the folder that corresponds to {common}."
        )
    return [path if path is None or path.exists() else folder.resolve() / path.relative_to(above) for path in paths]
