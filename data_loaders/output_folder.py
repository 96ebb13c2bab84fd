"""Make a folder whole or not at all."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from data_loaders.errors import DataError


def check_replaceable(output: Path, marker: str, names: Collection[str]) -> None:
    """Refuse an output folder that holds anything but what an earlier run of the same command wrote.

    Args:
        output: the folder; it need not exist.
        marker: the file that says that an earlier run wrote the folder.
        names: all names such a run writes.

    Raises:
        DataError: `output` is a file, or a folder with other content.
    """
    if not output.exists():
        return
    if not output.is_dir():
        raise DataError(f"output {output} is a file; give a folder, for example --output data/prepared")
    found = {entry.name for entry in output.iterdir()}
    if not found:
        return
    if marker not in found:
        raise DataError(
            f"output {output} holds {_some(found)} but no {marker}, so it is no prepared folder and is not "
            "replaced; give an empty or a new folder to --output"
        )
    foreign = found - set(names)
    if foreign:
        raise DataError(
            f"output {output} is a prepared folder but also holds {_some(foreign)}, which replacing it would delete; "
            "move them away or give another --output"
        )


def _some(names: Collection[str]) -> str:
    shown = sorted(names)[:3]
    return ", ".join(shown) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


@contextmanager
def made_whole(output: Path) -> Iterator[Path]:
    """Give a new folder beside `output` that takes its place when the block ends well and is removed otherwise.

    Raises:
        DataError: the folder cannot be made there.
    """
    token = uuid.uuid4().hex[:8]
    part = output.parent / f".{output.name}.{token}.part"
    old = output.parent / f".{output.name}.{token}.old"
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise DataError(f"output {output} cannot be made: {error.strerror or error}") from error
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
