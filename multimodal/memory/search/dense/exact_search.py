"""Exact products with every vector of a span by torch, on CUDA where it is available: where there is no faiss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multimodal.memory.search.dense.admitted import Admitted
from multimodal.memory.search.dense.codes import LARGEST, Rows, Vectors, as_numbers
from multimodal.memory.search.dense.contents import SpanContents

if TYPE_CHECKING:
    from torch import Tensor

_CODES_AT_ONCE = 2**16
_PRODUCTS_AT_ONCE = 2**24
# Up to here float32 holds every whole number.
_EXACT = 2**24
_INDEX_BITS = 31
_LAST = 2**_INDEX_BITS - 1
_NONE = -(2**63)


class ExactSearch:
    """All products with the codes of a span; ties go to the earlier vector.

    Args:
        contents: of any kind.
    """

    def __init__(self, contents: SpanContents) -> None:
        import torch

        self._contents = contents
        self._vectors = self._loaded()
        whole = contents.codes == "int8" and contents.width * LARGEST**2 <= _EXACT
        self._dtype = torch.float32 if whole else torch.float64
        # Products of half precision are compared by 2^-30, so that the order of a sum decides nothing.
        self._unit = 1.0 if contents.codes == "int8" else 2.0**30

    def _loaded(self) -> Tensor:
        """Return the codes on the device; a process forked from one that uses CUDA cannot use it."""
        import torch

        contents, cuda = self._contents, torch.cuda.is_available() and not torch.cuda._is_in_bad_fork()
        kept = np.empty((contents.size, contents.width), np.int8 if contents.codes == "int8" else np.float16)
        for numbers, codes in contents.stored():
            kept[numbers] = as_numbers(codes)
        return torch.from_numpy(kept).to("cuda" if cuda else "cpu")

    def find(self, questions: Vectors, count: int, admitted: Admitted | None) -> Rows:
        """Return the indices of the vectors nearest to each question, best first; see `FaissSearch.find`."""
        import torch

        if self._vectors.is_cuda and torch.cuda._is_in_bad_fork():
            self._vectors = self._loaded()
        vectors = self._vectors
        asked = torch.from_numpy(questions).to(vectors.device, self._dtype)
        usable = None if admitted is None else torch.from_numpy(admitted.mask).to(vectors.device)
        step = max(_PRODUCTS_AT_ONCE // _CODES_AT_ONCE, 1)
        parts = [asked[start : start + step] for start in range(0, len(asked), step)]
        # A caller's autocast would round the products.
        with torch.autocast(vectors.device.type, enabled=False):
            rows: Rows = torch.cat([self._best(vectors, part, count, usable) for part in parts]).cpu().numpy()
        return rows

    def _best(self, vectors: Tensor, questions: Tensor, count: int, usable: Tensor | None) -> Tensor:
        """Keep the best of block after block of vectors: one number holds the product and, for ties, the index."""
        import torch

        best = torch.full((len(questions), count), _NONE, dtype=torch.int64, device=vectors.device)
        for start in range(0, len(vectors), _CODES_AT_ONCE):
            codes = vectors[start : start + _CODES_AT_ONCE].to(self._dtype)
            products = (questions @ codes.T * self._unit).round().to(torch.int64)
            indices = torch.arange(start, start + len(codes), device=vectors.device)
            keys = (products << _INDEX_BITS) + (_LAST - indices)
            if usable is not None:
                keys.masked_fill_(~usable[start : start + len(codes)], _NONE)
            best = torch.cat([best, keys], 1).topk(count, 1).values
        return torch.where(best == _NONE, -1, _LAST - (best & _LAST))
