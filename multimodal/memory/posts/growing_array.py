"""`GrowingArray`: an array that grows at its end and can be forked without a copy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class GrowingArray:
    """A growing array: amortised appends, a view of the rows so far.

    A fork shares the rows. Whichever of the two grows first may write into the spare room behind them; the other
    then moves to a buffer of its own.

    Args:
        dtype: of the values.
        width: values per row; 0 for a one-dimensional array.
    """

    __slots__ = ("_buffer", "_length")

    def __init__(self, dtype: Any, width: int = 0) -> None:
        self._buffer: _Buffer | None = _Buffer(np.empty((0, width) if width else (0,), dtype))
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def values(self) -> NDArray[Any]:
        """The rows so far, a view.

        Raises:
            ValueError: this fork was released.
        """
        return self._open().array[: self._length]

    def extend(self, rows: NDArray[Any]) -> None:
        """Append rows.

        Raises:
            ValueError: this fork was released.
        """
        needed = self._length + len(rows)
        buffer = self._open()
        if needed > len(buffer.array) or buffer.filled != self._length:
            # By the rows, not by the room: otherwise every fork of a fork that moves would have half as much again.
            room = max(needed, self._length * 3 // 2)
            grown = np.empty((room, *buffer.array.shape[1:]), buffer.array.dtype)
            grown[: self._length] = self.values
            moved = _Buffer(grown)
            buffer.users -= 1
            buffer = self._buffer = moved
        buffer.array[self._length : needed] = rows
        self._length = buffer.filled = needed

    def truncate(self, length: int) -> None:
        """Drop the rows from `length` on, which were appended since the last fork.

        Raises:
            ValueError: this fork was released.
        """
        buffer = self._open()
        if buffer.filled == self._length:
            buffer.filled = length
        self._length = length

    def fork(self) -> GrowingArray:
        """Return an array with the same rows; appending to either leaves the other as it is.

        Raises:
            ValueError: this fork was released.
        """
        fork = GrowingArray.__new__(GrowingArray)
        fork._buffer, fork._length = self._open(), self._length
        fork._buffer.users += 1
        return fork

    def release(self, fork: GrowingArray) -> None:
        """End a fork and take back the spare room that it has written into; the fork cannot be used afterwards.

        Raises:
            ValueError: the fork was released before.
        """
        buffer, fork._buffer = fork._open(), None
        buffer.users -= 1
        if buffer is self._buffer and buffer.users == 1:
            buffer.filled = self._length

    def _open(self) -> _Buffer:
        if self._buffer is None:
            raise ValueError("this fork was released; it cannot be used any longer")
        return self._buffer


class _Buffer:
    __slots__ = ("array", "filled", "users")

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self.filled = 0
        self.users = 1
