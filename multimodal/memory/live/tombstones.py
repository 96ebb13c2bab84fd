"""Who was forgotten, in files beside the log: a restored copy of the log does not bring them back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from data_loaders.errors import RunError
from multimodal.memory.log.errors import StoreDamagedError, StoreError
from multimodal.memory.log.events import UserForgotten
from multimodal.memory.log.pseudonyms import is_pseudonym, pseudonym
from multimodal.storage.model_files import Count, Form, read_json_as
from multimodal.storage.run_folder import write_json

_WHAT = "who was forgotten"
_SHOWN = 16


class Tombstone(Form):
    """A user who was forgotten.

    Attributes:
        number: of the event in the log.
        user: the pseudonym of the user, never the id.
    """

    number: Count
    user: str


def tombstone(number: int, event: UserForgotten, salt: str) -> Tombstone:
    """Return the tombstone of a user.

    Args:
        number: of the event in the log.
        event: that the user was forgotten.
        salt: of the log.
    """
    user = event.user_id if is_pseudonym(event.user_id) else pseudonym(event.user_id, salt)
    return Tombstone(number=number, user=user)


class Tombstones:
    """A folder with a file for each user that was forgotten; several processes may add to it.

    Args:
        folder: made with the first file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, stone: Tombstone) -> None:
        """Write a tombstone that is not there yet; it is on the disk when this returns.

        Raises:
            StoreError: it cannot be written.
        """
        path = self._path(stone)
        if not path.exists():
            try:
                write_json(path, stone.model_dump())
            except (RunError, OSError) as error:
                raise StoreError(str(error)) from error

    def remove(self, stone: Tombstone) -> None:
        """Remove a tombstone, because another one stands for the user."""
        self._path(stone).unlink(missing_ok=True)

    def _path(self, stone: Tombstone) -> Path:
        return self.folder / f"{stone.number:015d}-{stone.user.rpartition(':')[2][:_SHOWN]}.json"

    def newest_first(self) -> Iterator[Tombstone]:
        """Yield the tombstones, that of the last event first.

        Raises:
            StoreDamagedError: a file cannot be read.
        """
        for path in sorted(self.folder.glob("[0-9]*.json"), reverse=True):
            try:
                yield read_json_as(path, _WHAT, Tombstone)
            except RunError as error:
                raise StoreDamagedError(
                    f"{error} Restore it from a backup: without it a restored log brings a forgotten user back."
                ) from error
