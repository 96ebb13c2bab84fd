"""`HashtagNames`: numbers for the hashtags of a memory, and for words that never were hashtags."""

from __future__ import annotations

from collections.abc import Sequence

from multimodal.memory.hashtag_id_map import HashtagIdMap


class HashtagNames:
    """Text by number: the hashtags of a memory have theirs, further words follow in the order in which they come.

    The memory does not learn the further words.

    Args:
        id_map: of the memory.
    """

    def __init__(self, id_map: HashtagIdMap) -> None:
        self._known, self._count = id_map, len(id_map)
        self._further: list[str] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return self._count + len(self._further)

    def __getitem__(self, number: int) -> str:
        return self._known[number] if number < self._count else self._further[number - self._count]

    def texts_of(self, numbers: Sequence[int]) -> list[str]:
        """Return the text of each number."""
        known, count, further = self._known.names, self._count, self._further
        return [known[number] if number < count else further[number - count] for number in numbers]

    def number_of(self, text: str) -> int:
        """Return the number of a hashtag, a new one if it has none."""
        known = self._known.find(text)
        if known is not None and known < self._count:
            return known
        if text not in self._numbers:
            self._numbers[text] = len(self)
            self._further.append(text)
        return self._numbers[text]
