"""Arrays in numpy's own files, memory-mapped."""

from __future__ import annotations

from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What numpy raises when bits of the header are others.
_DAMAGE = (EOFError, KeyError, MemoryError, OverflowError, SyntaxError, TokenError, TypeError)


def map_array(path: Path) -> NDArray[Any]:
    """Return the array of a file, mapped and read-only.

    Raises:
        OSError: it cannot be read.
        ValueError: it is none of numpy's, it holds objects, or its header is damaged.
    """
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except _DAMAGE as error:
        raise ValueError(f"the header of {path.name} is damaged ({type(error).__name__})") from None
