"""`recommend_dump`: hashtags for every post of a dump, in bounded memory, going on where a call was killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_loaders.bulk.executor import Executor, InProcess
from data_loaders.bulk.held import held
from data_loaders.bulk.shown import run_shown
from data_loaders.locking import locked
from data_loaders.output_folder import lock_of
from data_loaders.prepare.reading.rejections import RejectionLog
from data_loaders.readers.base import Reader
from data_loaders.readers.record_batches import record_batches
from multimodal.recommender import Recommender
from multimodal.serving.dumps.answered_blocks import AnsweredBlocks
from multimodal.serving.dumps.answering import Line
from multimodal.serving.dumps.block import AnswerBlock
from multimodal.serving.dumps.opening import Opening
from multimodal.serving.dumps.output import ENDINGS, check_output, write_output
from multimodal.serving.dumps.rejected_lists import list_beside, lists_beside, unfinished_beside
from multimodal.storage.run_folder import write_atomically


@dataclass(slots=True, kw_only=True)
class DumpAnswers:
    """What became of a dump.

    Attributes:
        output: the file with the answers.
        listed: the file that lists refused records and reservations; None where there are none.
        resumed: records that were answered before by a call that was interrupted.
        posts: that were answered.
        lengths: how many posts have answers of each length.
        refused: refused records by reason.
        kept: reservations about answered posts by reason.
        notes: remarks about the dump as a whole.
    """

    output: Path
    listed: Path | None = None
    resumed: int = 0
    posts: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def counted(self, lines: Iterator[Line]) -> Iterator[Line]:
        """Yield the lines that have answers, and count them."""
        for line in lines:
            if "hashtags" in line:
                self.posts += 1
                self.lengths[len(line["hashtags"])] += 1
                yield line


def recommend_dump(
    recommender: Recommender,
    reader: Reader,
    output: Path,
    options: Mapping[str, Any],
    *,
    executor: Executor | None = None,
    opening: Opening | None = None,
    call: Mapping[str, Any] | None = None,
) -> DumpAnswers:
    """Recommend for every post of a dump as `recommend_many` does, knowing what is remembered and nothing of the dump.

    What is answered is kept beside the output in a folder `….unfinished` until the file is complete; the same call
    goes on from there. Answers do not depend on where it was interrupted, nor on who answers. The dump is read in this
    process.

    Args:
        recommender: answers.
        reader: of the dump.
        output: the file to write, replaced in one step; its ending says the format: `.parquet`, `.csv` or `.jsonl`.
        options: arguments of `recommend_many`: `k` and others.
        executor: who answers; None for this process.
        opening: how workers of other machines open the recommender; None if none are among those who answer.
        call: JSON values besides `options` and the dump that answers depend on, such as the model's identity.

    Raises:
        UserError: an option or the output cannot be used.
        DataError: the dump cannot be read, or has changed since the interrupted call that it continues.
        RunError: what is kept is of another call, processes die at the same block, or a file cannot be written.
    """
    check_output(output, reader.sources())
    recommender.recommend_many([{"caption": "a"}], on_short="fewer", **options)  # what cannot be asked of any post
    result = DumpAnswers(output=output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with locked(lock_of(output), output, "recommending into it"):
        answered = AnsweredBlocks(unfinished_beside(output), {**(call or {}), **_about(reader), **options})
        opening = opening or Opening(run="")
        with held(opening, recommender):
            result.resumed = _answer(reader, answered, opening, call or {}, options, executor or InProcess())
        result.notes = list(reader.notes())
        _list_refused(result, answered)
        write_atomically(output, lambda path: write_output(path, output.suffix, result.counted(iter(answered))))
        answered.remove()
    return result


def _about(reader: Reader) -> dict[str, Any]:
    options = reader.options
    names = ("owner_comments", "user_id", "number_rows", "encoding")
    return {
        "source": str(reader.path),
        "format": reader.name,
        "columns": dict(options.columns),
        **{name: getattr(options, name) for name in names},
    }


def _answer(
    reader: Reader,
    answered: AnsweredBlocks,
    opening: Opening,
    call: Mapping[str, Any],
    options: Mapping[str, Any],
    executor: Executor,
) -> int:
    """Answer what is not answered yet; return how many records were before."""
    resumed = 0

    def blocks() -> Iterator[AnswerBlock]:
        nonlocal resumed
        for number, records in enumerate(record_batches(reader.read())):
            block = AnswerBlock(
                number=number, records=records, root=reader.root, opening=opening, call=call, options=options
            )
            resumed += len(records) if answered.add(block) else 0
            yield block

    run_shown(executor, blocks(), answered.store, "Recommending", reader.count)
    answered.end()
    return resumed


def _list_refused(result: DumpAnswers, answered: AnsweredBlocks) -> None:
    """Write the list of refused records and reservations beside the output, and count them."""
    file = answered.folder / "listed.jsonl"
    with RejectionLog(file) as log:
        for line in answered:
            refused = [[line["refused"], line["detail"]]] if "refused" in line else []
            for reason, detail in refused or line["notes"]:
                log.add(line["where"], reason, detail, line["post_id"], kept=not refused)
    result.refused, result.kept = log.refused, log.kept
    result.notes += log.notes()
    listed = list_beside(result.output, ENDINGS)
    if result.refused or result.kept:
        result.listed = file.replace(listed)
    elif listed == lists_beside(result.output)[1]:
        file.replace(listed)  # empty, so that the other list is known to be that of another output
    else:
        listed.unlink(missing_ok=True)
