"""Checksums of the files of a model folder, which tell a damaged copy from a model that was put together wrongly."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_loaders.errors import RunError
from multimodal.storage.model_files import require_file

KEY = "checksums"
_WHAT = "part of the model"
# What people add to a folder that they share.
_NOT_READ = ".md"
_BYTES_AT_ONCE = 2**20


def with_checksums(folder: Path, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with the SHA-256 of every file of the folder, and of themselves.

    Args:
        folder: complete; the file `name` need not exist.
        name: of the file that the values are written to.
        values: JSON values.
    """
    sums = {other: _of_file(folder / other) for other in _files(folder) if other != name}
    listed = {**values, KEY: sums}
    return {**values, KEY: {**sums, name: _of_values(listed)}}


def check_checksums(folder: Path, name: str, values: Mapping[str, Any]) -> bool:
    """Compare a folder with the checksums of its file `name`, whose values these are.

    Returns:
        Whether there are checksums; models of earlier versions have none.

    Raises:
        RunError: a file is missing, was changed, or was added where it would be read.
    """
    if KEY not in values:
        return False
    wanted = dict(values[KEY])
    own = wanted.pop(name, None)
    if own != _of_values({**values, KEY: wanted}):
        raise RunError(_damaged(folder / name))
    for other, wished in wanted.items():
        if other.startswith("/") or ".." in Path(other).parts:
            raise RunError(f"{folder / name} lists {other!r}, which lies outside of the model.")
        if _of_file(folder / other) != wished:
            raise RunError(_damaged(folder / other))
    inside = {str(Path(other).parent) for other in wanted} - {"."}
    for other in _files(folder):
        if other not in wanted and str(Path(other).parent) in inside and not other.endswith(_NOT_READ):
            raise RunError(f"{folder / other} is not part of the model that was saved; remove it.")
    return True


def _damaged(path: Path) -> str:
    return (
        f"{path} is damaged: its checksum is not that of the file that was saved, so it was changed or copied "
        "incompletely. Copy the model again. Train again if there is no good copy."
    )


def _files(folder: Path) -> list[str]:
    found = [Path(root, name).relative_to(folder) for root, _, names in os.walk(folder) for name in names]
    return sorted(path.as_posix() for path in found if not path.name.startswith("."))


def _of_values(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _of_file(path: Path) -> str:
    require_file(path, _WHAT)
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while part := file.read(_BYTES_AT_ONCE):
                digest.update(part)
            return digest.hexdigest()
    except OSError as error:
        raise RunError(f"{path} ({_WHAT}) cannot be read: {error.strerror or error}.") from None
