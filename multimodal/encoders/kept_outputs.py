"""`KeptOutputs`: what an encoder made of the content that it saw last, by a hash of that content."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from multimodal.distributed.forking import ForkSafeLock


class KeptOutputs:
    """The outputs that were asked for last; threads may share them.

    Args:
        most_bytes: of all outputs together; those that were not asked for longest are dropped.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._outputs: OrderedDict[bytes, Tensor] = OrderedDict()
        self._lock = ForkSafeLock()

    def __len__(self) -> int:
        """Return how many outputs are kept."""
        return len(self._outputs)

    def get_or_compute(self, keys: Sequence[bytes], compute: Callable[[list[int]], Sequence[Tensor]]) -> list[Tensor]:
        """Return the output for each key.

        Args:
            keys: B hashes of contents.
            compute: returns the output for each of the given rows, which are those of missing contents, each once.
        """
        outputs = self._known(keys)
        missing = {key: row for row, key in reversed([*enumerate(keys)]) if key not in outputs}
        if missing:
            rows = sorted(missing.values())
            computed = {keys[row]: output for row, output in zip(rows, compute(rows), strict=True)}
            self._keep(computed)
            outputs |= computed
        return [outputs[key] for key in keys]

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, Tensor]:
        with self._lock:
            known = {key: self._outputs[key] for key in keys if key in self._outputs}
            for key in known:
                self._outputs.move_to_end(key)
        return known

    def _keep(self, computed: dict[bytes, Tensor]) -> None:
        with self._lock:
            for key, output in computed.items():
                if key not in self._outputs:
                    # A clone, because a view would keep the outputs of its whole batch.
                    self._outputs[key] = output.clone()
                    self._bytes += output.nbytes
            while self._bytes > self._most_bytes:
                self._bytes -= self._outputs.popitem(last=False)[1].nbytes


def hash_of(*contents: Tensor) -> bytes:
    """Return a hash of tensors of bytes, whole numbers or booleans."""
    digest = hashlib.blake2b(digest_size=16)
    for content in contents:
        digest.update(f"{content.dtype} {tuple(content.shape)}".encode())
        digest.update(content.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.digest()
