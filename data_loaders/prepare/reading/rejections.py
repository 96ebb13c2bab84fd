"""`RejectionLog`: lists every record that was refused or kept with a warning, so that nothing vanishes silently."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from data_loaders.errors import some_of
from data_loaders.readers.base import DUPLICATE_ID, repeated_id
from data_loaders.readers.likely_encodings import LikelyEncodings

MOST_LISTED = 1_000_000
"""Records of each reason that are listed; all are counted."""


class RejectionLog:
    """Writes `rejected.jsonl`, the first `MOST_LISTED` records of each reason, and counts all; a context manager.

    Args:
        path: the file, overwritten if it exists.

    Attributes:
        refused: refused records by reason.
        kept: warnings about kept posts by reason.
    """

    def __init__(self, path: Path) -> None:
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
            record = {"where": where, "reason": reason, "detail": detail, "post_id": post_id, "kept": kept}
            self._file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def counts(self) -> dict[str, dict[str, int]]:
        """Return all counts as values for JSON, for `absorb`."""
        return {"refused": dict(self.refused), "kept": dict(self.kept), "encodings": dict(self._encodings.counts)}

    def absorb(self, path: Path, counts: Mapping[str, Mapping[str, int]], refused: Mapping[str, str]) -> None:
        """Add the records of a part of the dump.

        Args:
            path: the file that lists them.
            counts: of all of them.
            refused: posts that this part kept and the whole does not, id → file and line; warnings about them are left
                out and they are listed as repeats.
        """
        room = {True: self.kept.copy(), False: self.refused.copy()}
        self.refused.update(counts["refused"])
        self.kept.update(counts["kept"])
        self._encodings.counts.update(counts["encodings"])
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if record["kept"] and record["post_id"] in refused:
                    self.kept[record["reason"]] -= 1
                    continue
                listed = room[record["kept"]]
                listed[record["reason"]] += 1
                if listed[record["reason"]] <= MOST_LISTED:
                    self._file.write(line)
        self.kept = +self.kept
        for post_id, where in refused.items():
            self.add(where, DUPLICATE_ID, repeated_id(post_id), post_id, kept=False)

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
