"""Comparing a question with the vectors in the nearest lists of an inverted file."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np

from multimodal.memory.search.dense.admitted import Admitted
from multimodal.memory.search.dense.codes import Rows, Vectors, as_numbers
from multimodal.memory.search.dense.contents import SpanContents, layout
from multimodal.memory.search.dense.faiss_parts import FaissSearch, code_type, is_short
from multimodal.memory.search.dense.library import faiss_library

_MORE = 8


class IvfSearch(FaissSearch):
    """`faiss.IndexIVFScalarQuantizer` over the lists, which are not copied.

    Args:
        contents: of kind `ivf`.
    """

    def __init__(self, contents: SpanContents) -> None:
        faiss = faiss_library()
        self._kept = contents
        self._lists = len(contents.arrays["sizes"])
        self._probes = contents.probes
        kind = code_type(contents.codes)
        self._quantizer = faiss.IndexScalarQuantizer(contents.width, kind, faiss.METRIC_INNER_PRODUCT)
        self._quantizer.is_trained = True
        self._quantizer.add(as_numbers(contents.arrays["centroids"]))
        self._index = faiss.IndexIVFScalarQuantizer(
            self._quantizer, contents.width, self._lists, kind, faiss.METRIC_INNER_PRODUCT, False
        )
        self._index.is_trained = True
        self._inverted = _inverted_lists(contents)
        self._index.replace_invlists(self._inverted, False)
        self._index.ntotal = contents.size
        self._plain = faiss.SearchParametersIVF(nprobe=self._probes)

    def __del__(self) -> None:
        # Else faiss would unmap the memory, which is numpy's.
        if hasattr(self, "_inverted"):
            self._inverted.ptr = None

    def _answer(self, question: Vectors, count: int, admitted: Admitted | None) -> Rows:
        faiss = faiss_library()
        # As many admitted vectors are compared as without a filter.
        probes = min(self._lists, math.ceil(self._probes / (1 if admitted is None else admitted.share)))
        params = self._plain
        while True:
            if probes != self._probes or admitted is not None:
                selector = None if admitted is None else admitted.selector
                params = faiss.SearchParametersIVF(nprobe=probes, sel=selector)
            found: Rows = self._index.search(question, count, params=params)[1]
            if probes == self._lists or not is_short(found, admitted):
                return found
            probes = min(self._lists, probes * _MORE)


def _inverted_lists(contents: SpanContents) -> Any:
    """Return `faiss.OnDiskInvertedLists` that read the array, without a file and without threads of their own."""
    faiss = faiss_library()
    sizes, starts, middles = layout(contents.arrays["sizes"], contents.code_bytes)
    lists = faiss.OnDiskInvertedLists(len(sizes), contents.code_bytes, "")
    lists.read_only = True
    lists.prefetch_nthread = 0
    address = int(lists.lists.data().this)
    table = np.ctypeslib.as_array((ctypes.c_size_t * (3 * len(sizes))).from_address(address)).reshape(-1, 3)
    table[:] = np.stack([sizes, (middles - starts) // contents.code_bytes, starts], 1)
    lists.ptr = faiss.swig_ptr(contents.arrays["lists"])
    return lists
