"""The features of frozen encoders on disk: computed once per content, reused by other runs and ablations.

A cache folder, `<root>/<fingerprint>/`, holds

- `rows.bin`: the rows, append-only;
- `index.npy`: each item's key, first row and number of rows; replaced atomically after its rows are on disk;
- `rows.json`: type and shape of a row; `lock`: held while rows are appended.

The rows of an interrupted write are not in the index: they are invisible, and the next writer overwrites them.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from data_loaders.bulk.progress import progress_bar
from data_loaders.errors import DataError, RunError
from multimodal.storage.model_files import Count, Form, read_json_as
from multimodal.storage.run_folder import write_atomically, write_json

Rows = NDArray[Any]
_INDEX_TYPE = np.dtype([("key", "V16"), ("start", "<i8"), ("rows", "<i8")])
_APPEND_BYTES = 64 * 2**20
_APPEND_SECONDS = 30.0  # the most work that a killed process loses
_ITEMS_WITH_A_BAR = 256
_SHARE_OF_GPU = 3


def caption_key(caption: str) -> str:
    """Return the key of a caption: a hash of its text."""
    return "caption " + hashlib.blake2b(caption.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def image_key(path: str | Path) -> str:
    """Return the key of a picture file: its resolved path, size and modification time.

    Hashing the content would mean reading every file; so the features of a moved or touched file are computed again.

    Raises:
        DataError: the file does not exist or cannot be read.
    """
    resolved = Path(path).resolve()
    try:
        status = resolved.stat()
    except OSError as error:
        raise DataError(f"picture {str(path)!r} cannot be read: {error.strerror}.") from None
    return f"image {status.st_size} {status.st_mtime_ns} {resolved}"


class _RowsDescription(Form):
    dtype: str
    row_shape: list[Count]


class FeatureView:
    """The rows of N items in a file; a row is a vector (or a picture).

    A view that is sent to another process opens the file there: no rows are copied.

    Raises:
        RunError: the file is gone, or has fewer rows.

    Args:
        path: file of consecutive rows.
        dtype: of a row's values.
        row_shape: (C,) for vectors.
        starts: first row of each item, (N,).
        lengths: number of rows of each item, (N,).
    """

    def __init__(
        self,
        path: Path,
        dtype: np.dtype[Any],
        row_shape: tuple[int, ...],
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
    ) -> None:
        self.path, self.dtype, self.row_shape = path, dtype, row_shape
        self.lengths, self._starts = lengths, starts
        self._rows = self._open()
        self._moved: Tensor | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, item: int) -> NDArray[Any]:
        """Return the rows of one item, (n_i, C), without copying them."""
        start = self._starts[item]
        rows: NDArray[Any] = self._rows[start : start + self.lengths[item]]
        return rows

    @property
    def on_gpu(self) -> bool:
        """Whether the rows are in the memory of a GPU."""
        return self._moved is not None

    def move_to(self, device: torch.device) -> None:
        """Copy the rows into the memory of a GPU if they take at most a third of what is free there."""
        if device.type != "cuda" or not len(self._rows):
            return
        if self._rows.nbytes * _SHARE_OF_GPU <= torch.cuda.mem_get_info(device)[0]:
            self._moved = _copied(self._rows, device)

    def batch(self, items: Sequence[int] | NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return items as one batch: rows (B, T, C), padded with zeros, and mask (B, T); T is the longest."""
        chosen = np.asarray(items, dtype=np.int64)
        starts, lengths = self._starts[chosen], self.lengths[chosen]
        longest = int(lengths.max(initial=0))
        if self._moved is not None:
            return _gathered(self._moved, starts, lengths, longest)
        batch = np.zeros((len(chosen), longest, *self.row_shape), dtype=self.dtype)
        for i, (start, length) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
            batch[i, :length] = self._rows[start : start + length]
        mask = np.arange(longest) < lengths[:, None]
        return torch.from_numpy(batch), torch.from_numpy(mask)

    def _open(self) -> NDArray[Any]:
        count = int((self._starts + self.lengths).max(initial=0))
        if count == 0:
            return np.empty((0, *self.row_shape), dtype=self.dtype)
        try:
            mapped = np.memmap(self.path, dtype=self.dtype, mode="r", shape=(count, *self.row_shape))
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.path} (feature cache) was removed or cut while it was used ({error}); start again, and what is "
                "missing is computed again."
            ) from None
        # A plain array over the mapped file: indexing a memmap object is several times slower.
        return np.asarray(mapped)

    def __getstate__(self) -> dict[str, Any]:
        return {**{key: value for key, value in self.__dict__.items() if key != "_rows"}, "_moved": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._rows = self._open()


class FeatureCache:
    """Any number of rows per item, found by the item's key.

    Several processes may read and write at once; an item that two of them compute at the same time is stored once.

    Args:
        root: folder of all caches.
        fingerprint: of everything the rows depend on (`Encoder.fingerprint()`, and the precision unless it is full;
            `ImagePreprocessing.fingerprint()` for pixels); each fingerprint has a cache of its own.
        dtype: type of the stored values: float16 for features, uint8 for pixels.
    """

    def __init__(self, root: str | Path, fingerprint: str, dtype: DTypeLike = np.float16) -> None:
        self.dtype = np.dtype(dtype)
        name = hashlib.sha256(f"{fingerprint} {self.dtype.name}".encode()).hexdigest()[:24]
        self.folder = Path(root) / name
        self._rows_file = self.folder / "rows.bin"
        self._index_file = self.folder / "index.npy"
        self._row_shape: tuple[int, ...] | None = None
        self._index: NDArray[Any] = np.empty(0, dtype=_INDEX_TYPE)
        self._entry_of: dict[bytes, int] = {}
        self._seen_version: tuple[int, int, int] | None = None

    def get_or_compute(
        self, keys: Sequence[str], compute: Callable[[Sequence[int]], Iterable[Rows]], description: str
    ) -> FeatureView:
        """Return the rows of all items, computing the missing ones.

        Args:
            keys: one per item, see `caption_key` and `image_key`; equal keys are computed once.
            compute: yields the rows, (n_i, C) with n_i ≥ 0, of each of the given indices into `keys`.
            description: label of the progress bar.

        Raises:
            RunError: the folder cannot be read or written, or rows are not finite or have another shape.
        """
        digests = [_digest(key) for key in keys]
        self._refresh()
        missing: dict[bytes, int] = {}
        for position, digest in enumerate(digests):
            if digest not in self._entry_of:
                missing.setdefault(digest, position)
        if missing:
            self._fill(list(missing), list(missing.values()), compute, description)
        entries = self._index[np.fromiter((self._entry_of[digest] for digest in digests), np.int64, len(digests))]
        starts, lengths = entries["start"].astype(np.int64), entries["rows"].astype(np.int64)
        return FeatureView(self._rows_file, self.dtype, self._row_shape or (0,), starts, lengths)

    def held(self, keys: Sequence[str]) -> NDArray[np.bool_]:
        """Return which items are stored, (N,)."""
        self._refresh()
        return np.array([digest in self._entry_of for digest in map(_digest, keys)], np.bool_)

    def __len__(self) -> int:
        """Return the number of stored items."""
        self._refresh()
        return len(self._index)

    def _fill(
        self,
        digests: list[bytes],
        positions: list[int],
        compute: Callable[[Sequence[int]], Iterable[Rows]],
        description: str,
    ) -> None:
        waiting: list[tuple[bytes, Rows]] = []
        waiting_bytes, appended = 0, time.monotonic()
        quiet = len(positions) < _ITEMS_WITH_A_BAR or os.environ.get("RANK", "0") != "0"
        with nullcontext() if quiet else progress_bar(description, len(positions), "items") as bar:
            try:
                for digest, rows in zip(digests, compute(positions), strict=True):
                    waiting.append((digest, self._converted(rows)))
                    waiting_bytes += waiting[-1][1].nbytes
                    if waiting_bytes >= _APPEND_BYTES or time.monotonic() - appended >= _APPEND_SECONDS:
                        self._append(waiting)
                        waiting, waiting_bytes, appended = [], 0, time.monotonic()
                    if bar is not None:
                        bar.advance(1)
            finally:  # keep what was computed before an interruption
                if waiting:
                    self._append(waiting)

    def _converted(self, rows: Rows) -> Rows:
        with np.errstate(over="ignore"):
            converted: Rows = np.ascontiguousarray(rows, dtype=self.dtype)
        if self.dtype.kind == "f" and not np.isfinite(converted).all():
            raise RunError(
                f"the encoder returned a value that {self.dtype.name} cannot represent (not a number, or beyond "
                f"{np.finfo(self.dtype).max}); check its weights, or turn off the feature cache."
            )
        return converted

    def _append(self, items: list[tuple[bytes, Rows]]) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with _locked(self.folder / "lock"):
                self._refresh()
                fresh = [(digest, rows) for digest, rows in items if digest not in self._entry_of]
                if fresh:
                    self._check_shape(fresh)
                    self._write(fresh)
        except OSError as error:
            raise RunError(
                f"feature cache {self.folder} could not be written ({error.strerror or error}); "
                "its earlier content is kept. Free some space, or choose another folder."
            ) from error

    def _check_shape(self, items: list[tuple[bytes, Rows]]) -> None:
        shape = self._row_shape or items[0][1].shape[1:]
        for _, rows in items:
            if rows.shape[1:] != shape:
                raise RunError(f"feature cache {self.folder} holds rows of shape {shape}, not {rows.shape[1:]}.")
        if self._row_shape is None:
            write_json(self.folder / "rows.json", {"dtype": self.dtype.name, "row_shape": list(shape)})
            self._row_shape = shape

    def _write(self, items: list[tuple[bytes, Rows]]) -> None:
        end = _end(self._index)
        lengths = [len(rows) for _, rows in items]
        entries = np.empty(len(items), dtype=_INDEX_TYPE)
        entries["key"] = [np.void(digest) for digest, _ in items]
        entries["start"] = end + np.concatenate([[0], np.cumsum(lengths)[:-1]])
        entries["rows"] = lengths
        self._rows_file.touch()
        with self._rows_file.open("r+b") as file:
            file.truncate(end * self._row_bytes())
            file.seek(0, os.SEEK_END)
            for _, rows in items:
                file.write(rows.tobytes())
            file.flush()
            os.fsync(file.fileno())
        index = np.concatenate([self._index, entries])
        write_atomically(self._index_file, lambda path: _save_index(path, index))
        self._refresh()

    def _refresh(self) -> None:
        """Read the index again if this or another process has replaced it, or rows that it names are gone."""
        try:
            index, rows = self._index_file.stat(), self._rows_file.stat()
        except FileNotFoundError:
            self._use(np.empty(0, dtype=_INDEX_TYPE))
            self._seen_version = None
            return
        except OSError as error:
            raise RunError(
                f"feature cache {self.folder} cannot be read ({error.strerror or error}); choose another folder."
            ) from error
        version = (index.st_ino, index.st_mtime_ns, index.st_size)
        if version == self._seen_version and rows.st_size >= _end(self._index) * self._row_bytes():
            return
        self._row_shape = self._read_shape()
        # An incomplete copy may lack rows that its index names; those items are computed again.
        there, named = rows.st_size // max(1, self._row_bytes()), self._read_index()
        self._use(named[named["rows"] <= there - named["start"]])
        self._seen_version = version

    def _read_shape(self) -> tuple[int, ...]:
        try:
            return tuple(read_json_as(self.folder / "rows.json", "feature cache", _RowsDescription).row_shape)
        except RunError as error:
            raise RunError(f"{error} Or delete {self.folder}, so that its features are computed again.") from None

    def _read_index(self) -> NDArray[Any]:
        problem = "it is not an index of rows"
        try:
            index: NDArray[Any] = np.load(self._index_file, allow_pickle=False)
            if (
                index.dtype == _INDEX_TYPE
                and index.ndim == 1
                and min(index["start"].min(initial=0), index["rows"].min(initial=0)) >= 0
            ):
                return index
        except (OSError, ValueError, EOFError) as error:
            problem = str(error)
        raise RunError(f"{self._index_file} is damaged ({problem}); delete {self.folder}.")

    def _use(self, index: NDArray[Any]) -> None:
        raw = np.ascontiguousarray(index["key"]).tobytes()
        self._index, self._entry_of = index, {raw[16 * i : 16 * i + 16]: i for i in range(len(index))}

    def _row_bytes(self) -> int:
        return int(np.prod(self._row_shape or (0,))) * self.dtype.itemsize


def _end(index: NDArray[Any]) -> int:
    return int((index["start"] + index["rows"]).max(initial=0))


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _copied(rows: Rows, device: torch.device) -> Tensor:
    moved = torch.empty(rows.shape, dtype=torch.from_numpy(rows[:0].copy()).dtype, device=device)
    step = max(1, _APPEND_BYTES // rows[0].nbytes)
    for start in range(0, len(rows), step):
        moved[start : start + step] = torch.from_numpy(np.array(rows[start : start + step])).to(device)
    return moved


def _gathered(
    rows: Tensor, starts: NDArray[np.int64], lengths: NDArray[np.int64], longest: int
) -> tuple[Tensor, Tensor]:
    steps = np.arange(longest)
    mask = torch.from_numpy(steps < lengths[:, None]).to(rows.device)
    # Positions of padding lie within the rows, too; their values are replaced.
    positions = np.minimum(starts[:, None] + steps, len(rows) - 1)
    chosen = rows[torch.from_numpy(positions).to(rows.device)]
    padding = ~mask.view(*mask.shape, *[1] * (rows.dim() - 1))
    return chosen.masked_fill_(padding, 0), mask


def _save_index(path: Path, index: NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, index, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    import fcntl  # POSIX; imported here so that reading works everywhere

    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file releases the lock, also when the process dies
