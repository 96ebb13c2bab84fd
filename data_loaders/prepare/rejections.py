"""`RejectionLog`: lists every record that was refused or kept with a warning, so that nothing vanishes silently."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path


class RejectionLog:
    """Writes `rejected.jsonl` and counts reasons; a context manager.

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
        record = {"where": where, "reason": reason, "detail": detail, "post_id": post_id, "kept": kept}
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        (self.kept if kept else self.refused)[reason] += 1
