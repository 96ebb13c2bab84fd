"""`RejectionLog`: lists every record that was refused or kept with a warning, so that nothing vanishes silently."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_loaders.errors import some_of
from data_loaders.readers.base import DUPLICATE_ID, repeated_id
from data_loaders.readers.likely_encodings import LikelyEncodings

MOST_LISTED = 1_000_000
"""Records of each reason that are listed; all are counted."""
_STAGED = "staged"


class RejectionLog:
    """Writes `rejected.jsonl`, the first `MOST_LISTED` records of each reason, and counts all; a context manager.

    Args:
        path: the file, overwritten if it exists.
        staged: for a part of a dump: returns how many of its posts were staged so far, which is noted, so that `absorb`
            puts repeats of other parts between the records of this one.

    Attributes:
        refused: refused records by reason.
        kept: warnings about kept posts by reason.
    """

    def __init__(self, path: Path, staged: Callable[[], int] | None = None) -> None:
        self._staged = staged
        self._file = path.open("w", encoding="utf-8", errors="backslashreplace")
        self.refused: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self._encodings = LikelyEncodings()

    def __enter__(self) -> RejectionLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, where: str, reason: str, detail: str, post_id: str | None, *, kept: bool) -> None:
        """Log one record.

        Args:
            where: file and line, or the post concerned.
            reason: short name under which the record is counted.
            detail: a sentence with the value seen.
            post_id: the record's id, if known.
            kept: whether the post was kept nevertheless.
        """
        counts = self.kept if kept else self.refused
        counts[reason] += 1
        self._encodings.add(detail)
        if counts[reason] <= MOST_LISTED:
            record: dict[str, Any] = {
                "where": where,
                "reason": reason,
                "detail": detail,
                "post_id": post_id,
                "kept": kept,
            }
            if self._staged is not None:
                record[_STAGED] = self._staged()
            self._write(record)

    def _write(self, record: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def counts(self) -> dict[str, dict[str, int]]:
        """Return all counts as values for JSON, for `absorb`."""
        return {"refused": dict(self.refused), "kept": dict(self.kept), "encodings": dict(self._encodings.counts)}

    def absorb(
        self, path: Path, counts: Mapping[str, Mapping[str, int]], refused: Sequence[tuple[int, str, str]]
    ) -> None:
        """Add the records of a part of the dump, in the order of the dump.

        Args:
            path: the file that lists them.
            counts: of all of them.
            refused: posts that this part kept and the whole does not: place in the part, id, file and line; warnings
                about them are left out and they are listed as repeats.
        """
        listed = {True: self.kept.copy(), False: self.refused.copy()}
        self._encodings.counts.update(counts["encodings"])
        ids, waiting, left_out = {post_id for _, post_id, _ in refused}, deque(refused), Counter[str]()
        with path.open(encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                staged = record.pop(_STAGED)
                while waiting and waiting[0][0] < staged:
                    self._list_repeat(waiting.popleft(), listed)
                if record["kept"] and record["post_id"] in ids:
                    left_out[record["reason"]] += 1
                    self._encodings.remove(record["detail"])
                    continue
                self._list(record, listed)
        for one in waiting:
            self._list_repeat(one, listed)
        self.refused.update({**counts["refused"], DUPLICATE_ID: counts["refused"].get(DUPLICATE_ID, 0) + len(refused)})
        self.kept.update(counts["kept"])
        self.kept.subtract(left_out)
        self.refused, self.kept = +self.refused, +self.kept

    def _list_repeat(self, one: tuple[int, str, str], listed: Mapping[bool, Counter[str]]) -> None:
        _, post_id, where = one
        detail = repeated_id(post_id)
        record = {"where": where, "reason": DUPLICATE_ID, "detail": detail, "post_id": post_id, "kept": False}
        self._list(record, listed)

    def _list(self, record: Mapping[str, Any], listed: Mapping[bool, Counter[str]]) -> None:
        # Counts name reasons in the order in which they occur first.
        (self.kept if record["kept"] else self.refused).setdefault(record["reason"], 0)
        of_kind = listed[record["kept"]]
        of_kind[record["reason"]] += 1
        if of_kind[record["reason"]] <= MOST_LISTED:
            self._write(record)

    def notes(self) -> list[str]:
        """Return which encodings records seem to have, and of which reasons not every record is listed."""
        long = [
            f"{count:,} {reason}"
            for counts in (self.refused, self.kept)
            for reason, count in counts.items()
            if count > MOST_LISTED
        ]
        shortened = f"rejected.jsonl lists the first {MOST_LISTED:,} records of each reason; there are {some_of(long)}."
        return [*self._encodings.notes(), *([shortened] if long else [])]
