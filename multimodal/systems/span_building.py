"""`build_spans`: build the index of a memory that is kept ahead of questions, by any executor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data_loaders.bulk.executor import Executor
from data_loaders.bulk.held import held
from data_loaders.bulk.shown import run_shown
from data_loaders.errors import UserError
from multimodal.memory.live.events_of_posts import spaces_of
from multimodal.memory.live.live_memory import LiveMemory
from multimodal.memory.memory_files import read_memory
from multimodal.memory.search.build_span import span_tasks
from multimodal.memory.search.columns import WORDS
from multimodal.memory.search.index import NeighbourIndex
from multimodal.memory.search.settings import IndexSettings
from multimodal.systems.model_folder import load_model


@dataclass(frozen=True, kw_only=True)
class SnapshotIndex:
    """The index of the posts of a snapshot, for workers that have only its files.

    Attributes:
        run: of the model whose memory it is.
        snapshot: folder of the snapshot.
        settings: of the index.
        fingerprint: of the encoders of its dense spaces.
    """

    run: str
    snapshot: Path
    settings: IndexSettings
    fingerprint: str

    def open(self) -> NeighbourIndex:
        """Read the snapshot.

        Raises:
            RunError: the model or the snapshot cannot be read.
        """
        memory = read_memory(self.snapshot, load_model(self.run).system.new_memory(), dead=True)
        return NeighbourIndex(memory, self.settings, fingerprints=dict.fromkeys(spaces_of(memory), self.fingerprint))


def build_spans(live: LiveMemory, run: str, executor: Executor) -> int:
    """Build every span that questions to a memory will ask, beside its log; return how many there are.

    A span that is there is not built again. It changes no answer: what is missing is built when a question needs it.

    Args:
        live: the memory, just written to its snapshot.
        run: of the model whose memory it is.
        executor: who builds them.

    Raises:
        UserError: the memory keeps no files.
        OSError: a span cannot be written.
    """
    if live.files is None:
        raise UserError("the memory is kept in this process only; give --memory, so that spans have a place.")
    memory, index = live.memory, live.memory.index
    source = SnapshotIndex(
        run=run, snapshot=live.files.snapshot, settings=index.settings, fingerprint=live.files.origin.fingerprint
    )
    spaces = [*([WORDS] if memory.slots else []), *spaces_of(memory)]
    tasks = span_tasks(index, source, spaces)
    if not tasks:
        return 0
    with held(source, index):
        run_shown(
            executor, tasks, live.files.spans(live.place.generation), "Building spans",
            lambda: sum(len(task.place) for task in tasks),
        )  # fmt: skip
    return len(tasks)
