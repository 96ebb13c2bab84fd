"""`parts_of`: read the parts of a dump, each once, even if the process is killed in between."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_loaders.bulk.executor import Executor, InProcess
from data_loaders.bulk.shown import run_shown
from data_loaders.bulk.tasks import is_finished, result_of
from data_loaders.errors import RunError, UserError
from data_loaders.prepare.reading.part import PartFolder, ReadPart
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.readers.base import Findings, Reader

logger = logging.getLogger(__name__)


@contextmanager
def parts_of(
    reader: Reader, output: Path, folder: Path, settings: PrepareSettings, executor: Executor | None
) -> Iterator[tuple[list[PartFolder], Findings]]:
    """Yield what all parts of a dump hold, and remove it when the block ends.

    It is kept if the process is killed or interrupted, unless the dump has only one part: `prepare` into the same
    folder then reads only the parts that are left.

    Args:
        reader: the reader of the dump.
        output: the future prepared folder.
        folder: the folder that becomes it.
        settings: the settings of `prepare`.
        executor: who reads the parts; None for this process.

    Raises:
        DataError: the dump is damaged, or a picture cannot be used and the policy is `raise`.
        OSError: the posts cannot be staged.
    """
    prepared = output.parent.resolve() / output.name
    tasks = [ReadPart(part, prepared, settings) for part in reader.parts()]
    store = folder / "parts" if len(tasks) == 1 else prepared.with_name(f".{output.name}.parts")
    try:
        run_shown(executor or InProcess(), tasks, store, "Reading posts", reader.count)
        parts = [PartFolder(result_of(task, store)) for task in tasks]
        yield parts, reader.joined([part.findings for part in parts])
    except RunError:  # workers died; what the others have read is kept
        raise
    except (UserError, OSError):
        shutil.rmtree(store, ignore_errors=True)
        raise
    except KeyboardInterrupt:
        finished = sum(is_finished(task, store) for task in tasks)
        if finished and len(tasks) > 1:
            logger.warning(
                "%d of %d parts of the dump are read; they are kept in %s, and the same command goes on from there",
                finished, len(tasks), store,
            )  # fmt: skip
        raise
    shutil.rmtree(store)
