"""`AnsweredBlocks`: what was answered so far, on the disk, so that a run that was killed goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_loaders.errors import DataError, RunError, full_disk, short_repr
from data_loaders.readers.base import Record
from multimodal.serving.dumps.answering import Line, identity
from multimodal.serving.dumps.block import ANSWERS, AnswerBlock
from multimodal.storage.run_folder import read_json, write_json

_CALL = "call.json"
_WHAT = "what an earlier call was asked for"


class AnsweredBlocks:
    """A folder of the blocks that were answered.

    Args:
        folder: made if there is none.
        call: JSON values; a folder of a call with others is refused.

    Attributes:
        folder: the folder.
        store: receives a folder for each block.

    Raises:
        RunError: the folder belongs to another call, is damaged, or cannot be made.
    """

    def __init__(self, folder: Path, call: Mapping[str, Any]) -> None:
        self.folder, self.store = folder, folder / "blocks"
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
        self._before = {int(path.name.partition("-")[0]): path for path in self.store.glob("[!.]*")}
        self._names: list[str] = []

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines of all blocks in order."""
        for name in self._names:
            yield from self._lines(self.store / name)

    def add(self, block: AnswerBlock) -> bool:
        """Note the next block; return whether it was answered before.

        Raises:
            DataError: the dump has changed since.
        """
        self._names.append(block.name)
        before = self._before.pop(block.number, None)
        if before is not None and before.name != block.name:
            raise self._changed(before, block.records)
        return before is not None

    def end(self) -> None:
        """Note that there are no more blocks.

        Raises:
            DataError: the dump had more.
        """
        if self._before:
            raise self._changed(self._before[min(self._before)], [])

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)

    def _lines(self, block: Path) -> list[Line]:
        path = block / ANSWERS
        try:
            return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError) as error:
            raise RunError(f"{path} is damaged: {error}. {_again(self.folder)}") from None

    def _changed(self, block: Path, records: Sequence[Record]) -> DataError:
        before = [[line["post_id"], line["where"]] for line in self._lines(block)]
        now = [identity(record) for record in records]
        then: list[str | None] | None = before[0]
        if before == now:
            differs = "there is one that says something else, or after it"
        else:
            both = zip([*before, None], [*now, None], strict=False)
            then, found = next(pair for pair in both if pair[0] != pair[1])
            differs = f"there is {_shown(found)}"
        return DataError(
            f"the dump has changed since the call that {self.folder} is of was interrupted: where {_shown(then)} was, "
            f"{differs}. {_again(self.folder)}"
        )


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
    return f"To start over, delete {folder}."


def _shown(one: Sequence[str | None] | None) -> str:
    return "nothing" if one is None else f"the record {one[0]!r} ({one[1]})"
