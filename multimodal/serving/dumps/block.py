"""`AnswerBlock`: the shard task that answers some records of a dump."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from data_loaders.bulk.held import opened
from data_loaders.bulk.tasks import Advance, ShardTask, name_of
from data_loaders.readers.base import Record, Rejected
from multimodal.serving.dumps.answering import answer_block
from multimodal.serving.dumps.opening import Opening

ANSWERS = "answers.jsonl"


@dataclass(frozen=True, kw_only=True)
class AnswerBlock(ShardTask):
    """Answers neighbouring records of a dump.

    Attributes:
        number: which block of the dump, from 0.
        records: its records.
        root: the folder that pictures must be in.
        opening: how a worker that does not hold the recommender opens it.
        call: JSON values that say what the recommender is and knows.
        options: arguments of `recommend_many`, JSON values.
    """

    number: int
    records: Sequence[Record]
    root: Path
    opening: Opening
    call: Mapping[str, Any]
    options: Mapping[str, Any]

    @cached_property
    def name(self) -> str:
        """The number of the block, and a name made of its records and of everything that answers depend on."""
        known = [dict(self.call), dict(self.options), str(self.root)]
        return f"{self.number:07}-{name_of(known, [_content(record) for record in self.records])}"

    def write(self, folder: Path, advance: Advance) -> None:
        """Write a line of JSON for each record.

        Raises:
            UserError: the recommender cannot be opened.
        """
        lines = answer_block(opened(self.opening), self.records, self.root, self.options)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / ANSWERS).write_text(text, encoding="utf-8")
        advance(len(lines))

    def steps(self, folder: Path) -> int:
        """Return the number of records of a block that was answered."""
        return (folder / ANSWERS).read_bytes().count(b"\n")


def _content(record: Record) -> str:
    if isinstance(record, Rejected) or not isinstance(record.post.image, bytes):
        return repr(record)
    digest = hashlib.sha256(record.post.image).hexdigest()
    return repr(replace(record, post=replace(record.post, image=digest)))
