"""`Parts`: what was answered so far, on the disk, so that a run that was killed goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_loaders.errors import DataError, RunError, full_disk, short_repr
from data_loaders.readers.base import Record
from multimodal.serving.dumps.answering import Line, identity
from multimodal.storage.run_folder import read_json, write_atomically, write_json

_CALL = "call.json"
_WHAT = "what an earlier call was asked for"


class Parts:
    """A folder with a file for each block that was answered.

    Args:
        folder: made if there is none.
        call: JSON values; a folder of a call with others is refused.

    Raises:
        RunError: the folder belongs to another call, is damaged, or cannot be made.
    """

    def __init__(self, folder: Path, call: Mapping[str, Any]) -> None:
        self.folder = folder
        file = folder / _CALL
        if file.exists():
            _check_same(folder, read_json(file, _WHAT), json.loads(json.dumps(call)))
        else:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise RunError(
                    f"{folder} cannot be made: {error.strerror or error}.{full_disk(error, folder)}"
                ) from None
            write_json(file, dict(call))
        self._count = 0
        while self._path(self._count).is_file():
            self._count += 1

    def __len__(self) -> int:
        """Return how many blocks were answered, from the first on."""
        return self._count

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines of all blocks."""
        for number in range(self._count):
            yield from self.of(number)

    def add(self, lines: Sequence[Line]) -> None:
        """Write the answers of the next block; they are on the disk when this returns."""
        text = "".join(json.dumps(line) + "\n" for line in lines)
        write_atomically(self._path(self._count), lambda path: path.write_text(text, encoding="utf-8"))
        self._count += 1

    def of(self, number: int) -> list[Line]:
        """Return the lines of a block.

        Raises:
            RunError: its file is damaged.
        """
        path = self._path(number)
        try:
            return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError) as error:
            raise RunError(f"{path} is damaged: {error}. {_again(self.folder)}") from None

    def check(self, number: int, records: Sequence[Record]) -> None:
        """Compare a block that was answered with the dump as it is now.

        Raises:
            DataError: the dump has changed.
        """
        before = [[line["post_id"], line["where"]] for line in self.of(number)]
        now = [identity(record) for record in records]
        if before != now:
            both = zip([*before, None], [*now, None], strict=False)
            then, found = next(pair for pair in both if pair[0] != pair[1])
            raise DataError(
                f"the dump has changed since the call that {self.folder} is of was interrupted: where "
                f"{_shown(then)} was, there is {_shown(found)}. {_again(self.folder)}"
            )

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:07}.jsonl"


def _check_same(folder: Path, before: Any, now: Mapping[str, Any]) -> None:
    if not isinstance(before, dict):
        raise RunError(f"{folder / _CALL} is damaged: an object is needed. {_again(folder)}")
    for name in dict.fromkeys([*now, *before]):
        if before.get(name) != now.get(name):
            differs = f"{name} was {short_repr(before.get(name))} there and is {short_repr(now.get(name))} here"
            raise RunError(
                f"{folder} holds what another call has answered: {differs}. Repeat that call to go on with it. "
                f"{_again(folder)}"
            )


def _again(folder: Path) -> str:
    return f"To begin anew, delete {folder}."


def _shown(one: Sequence[str | None] | None) -> str:
    return "nothing" if one is None else f"the record {one[0]!r} ({one[1]})"
