"""`GrowingArray`: an array that grows at its end and can be lent out without a copy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class GrowingArray:
    """A growing array: amortised appends, a view of what is filled.

    Args:
        dtype: of the values.
        width: values per row; 0 for a plain one-dimensional column.
    """

    __slots__ = ("_buffer", "_length")

    def __init__(self, dtype: Any, width: int = 0) -> None:
        self._buffer = _Buffer(np.empty((0, width) if width else (0,), dtype))
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def values(self) -> NDArray[Any]:
        """The filled rows, a writable view."""
        return self._buffer.array[: self._length]

    def extend(self, rows: NDArray[Any]) -> None:
        """Append rows."""
        needed = self._length + len(rows)
        buffer = self._buffer
        # Behind our last row another column of the same buffer may have written: then we move out.
        if needed > len(buffer.array) or buffer.filled != self._length:
            capacity = max(needed, len(buffer.array) * 3 // 2)
            grown = np.empty((capacity, *buffer.array.shape[1:]), buffer.array.dtype)
            grown[: self._length] = self.values
            buffer = self._buffer = _Buffer(grown)
        buffer.array[self._length : needed] = rows
        self._length = buffer.filled = needed

    def fork(self) -> GrowingArray:
        """Return a column with the same rows; appending to either leaves the other as it is."""
        fork = GrowingArray.__new__(GrowingArray)
        fork._buffer, fork._length = self._buffer, self._length
        return fork

    def release(self, fork: GrowingArray) -> None:
        """Take back the spare room that a fork, which nobody uses any more, has written into."""
        if fork._buffer is self._buffer:
            self._buffer.filled = self._length


class _Buffer:
    __slots__ = ("array", "filled")

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self.filled = 0
