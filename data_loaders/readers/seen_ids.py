"""`SeenIds`: which ids a dump has had so far, in about 25 bytes each."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_DIGEST_BYTES = 16
_RECENT = 1 << 18
_FIRST_BITS = 1 << 24
_BITS_PER_ID = 16


class SeenIds:
    """Remembers ids by their 128-bit fingerprints.

    The newest are a set, the others sorted arrays. A bit for each of the latter tells almost always, without a search,
    that an id is new.
    """

    def __init__(self) -> None:
        self._recent: set[bytes] = set()
        self._sorted: list[NDArray[np.bytes_]] = []
        self._bits = bytearray(_FIRST_BITS // 8)

    def __len__(self) -> int:
        return len(self._recent) + sum(map(len, self._sorted))

    def add(self, post_id: str) -> bool:
        """Remember an id, and return whether it is new."""
        digest = hashlib.blake2b(post_id.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
        if digest in self._recent or self._among_sorted(digest):
            return False
        self._recent.add(digest)
        if len(self._recent) == _RECENT:
            self._sort_recent()
        return True

    def _among_sorted(self, digest: bytes) -> bool:
        slot = int.from_bytes(digest[:8], "little") % (len(self._bits) * 8)
        if not self._bits[slot >> 3] >> (slot & 7) & 1:
            return False
        wanted = np.bytes_(digest.rstrip(b"\0"))  # numpy drops the last zeros, too
        places = ((part, int(np.searchsorted(part, wanted))) for part in self._sorted)
        return any(place < len(part) and part[place] == wanted for part, place in places)

    def _sort_recent(self) -> None:
        part = np.array(sorted(self._recent), f"S{_DIGEST_BYTES}")
        self._recent.clear()
        while self._sorted and len(self._sorted[-1]) <= len(part):
            part = np.sort(np.concatenate([self._sorted.pop(), part]))
        self._sorted.append(part)
        if len(self) * _BITS_PER_ID > len(self._bits) * 8:
            self._bits = bytearray(len(self._bits) * 2)
            for older in self._sorted:
                self._mark(older)
        else:
            self._mark(part)

    def _mark(self, part: NDArray[np.bytes_]) -> None:
        slots = (part.view("<u8")[::2] % np.uint64(len(self._bits) * 8)).astype(np.int64)
        np.bitwise_or.at(np.frombuffer(self._bits, np.uint8), slots >> 3, np.left_shift(1, slots & 7).astype(np.uint8))
