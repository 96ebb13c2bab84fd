"""Write a folder completely or not at all."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from data_loaders.errors import DataError, some_of


def check_replaceable(output: Path, marker: str, names: Collection[str]) -> None:
    """Refuse to replace a folder that contains anything but the output of an earlier run of the same command.

    Args:
        output: the folder; it need not exist.
        marker: the file that identifies the output of an earlier run.
        names: all names that such a run writes.

    Raises:
        DataError: `output` is a file, or a folder with other content.
    """
    if not output.exists():
        return
    if not output.is_dir():
        raise DataError(f"output {output} is a file; give a folder, for example --output data/prepared")
    found = sorted(entry.name for entry in output.iterdir())
    if not found:
        return
    if marker not in found:
        raise DataError(
            f"output {output} contains {some_of(found)} but no {marker}, so it is not a prepared folder and is not "
            "replaced; choose an empty or a new folder for --output"
        )
    foreign = [name for name in found if name not in names]
    if foreign:
        raise DataError(
            f"output {output} is a prepared folder but also contains {some_of(foreign)}, which replacing it would "
            "delete; move these away or choose another --output"
        )


@contextmanager
def atomic_folder(output: Path) -> Iterator[Path]:
    """Yield a new folder beside `output` that replaces it when the block succeeds and is removed when it fails.

    Raises:
        DataError: the folder cannot be created there.
    """
    token = uuid.uuid4().hex[:8]
    part = output.parent / f".{output.name}.{token}.part"
    old = output.parent / f".{output.name}.{token}.old"
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise DataError(f"output {output} cannot be created: {error.strerror or error}") from error
    try:
        yield part
        if output.exists():
            output.rename(old)
        part.rename(output)
    except BaseException:
        if old.exists() and not output.exists():
            old.rename(output)
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
