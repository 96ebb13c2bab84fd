"""The hashtags that a caption names: words of it, alone or joined, that were used as hashtags before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_loaders.text.hashtags import normalise
from data_loaders.text.phrases import MOST_JOINED, MOST_WORDS, WORD, other_number, parts_of, unspaced
from multimodal.memory.post_memory import PostMemory


def names_in(caption: str) -> list[str]:
    """Return what a caption may name, each once: its first 400 words, up to four joined, and parts of unspaced ones.

    All are also in the other number.

    >>> names_in("Cat photos")
    ['cat', 'photos', 'catphotos', 'cats', 'photo', 'catphoto']
    """
    words = [normalise(word) or word.casefold() for word in WORD.findall(caption)[:MOST_WORDS]]
    ends = range(1, MOST_JOINED + 1)
    joined = ("".join(words[first : first + count]) for count in ends for first in range(len(words) - count + 1))
    exact = list(dict.fromkeys([*joined, *(part for _, word in unspaced(words) for _, part in parts_of(word))]))
    return list(dict.fromkeys([*exact, *map(other_number, exact)]))


def named_hashtags(captions: Sequence[str], memory: PostMemory, instants_us: NDArray[np.int64]) -> list[list[int]]:
    """Return the hashtags used strictly before a post that its caption names, N lists of indices.

    Args:
        captions: N cleaned captions.
        memory: knows which hashtags were used, and when.
        instants_us: (N,) times of the posts.
    """
    # Most of what captions may name never was a hashtag; of a whole split it would take gigabytes.
    known = [
        (row, index)
        for row, caption in enumerate(captions)
        for text in names_in(caption)
        if (index := memory.id_map.find(text)) is not None
    ]
    rows, indices = np.array(known, np.int64).reshape(-1, 2).T
    used = memory.questions.uses(indices, instants_us[rows]) > 0
    named: list[list[int]] = [[] for _ in captions]
    for row, index in zip(rows[used].tolist(), indices[used].tolist(), strict=True):
        named[row].append(index)
    return named
