"""`BuildSpan`: the shard task that builds the index of a span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_loaders.bulk.held import Openable, opened
from data_loaders.bulk.tasks import Advance, ShardTask
from data_loaders.errors import RunError
from multimodal.memory.search.cover import SpanPlace
from multimodal.memory.search.index import NeighbourIndex


@dataclass(frozen=True, kw_only=True)
class BuildSpan(ShardTask):
    """Builds a span for a space; its folder is that which the index opens.

    Attributes:
        source: the index of the posts.
        place: of the span.
        space: its name.
        part: the name of the folder, see `NeighbourIndex.span_name`.
    """

    source: Openable[NeighbourIndex]
    place: SpanPlace
    space: str
    part: str

    @property
    def name(self) -> str:
        """A name made of the posts and the settings."""
        return self.part

    def write(self, folder: Path, advance: Advance) -> None:
        """Build the span into a folder.

        Raises:
            RunError: the posts are others here than where the task was made.
        """
        index = opened(self.source)
        if index.span_name(self.place, self.space) != self.part:
            raise RunError("the memory has changed while its spans were built; run the same command again.")
        index.write_span(self.place, self.space, folder)
        advance(len(self.place))

    def steps(self, folder: Path) -> int:
        """Return the number of posts of the span."""
        return len(self.place)


def span_tasks(index: NeighbourIndex, source: Openable[NeighbourIndex], spaces: Sequence[str]) -> list[BuildSpan]:
    """Return the tasks that build every span that a question asks now or soon, long ones first.

    Args:
        index: of the posts.
        source: how workers open the same index.
        spaces: to build them for.
    """
    places = sorted(index.spans(), key=lambda place: (-len(place), place.start))
    return [
        BuildSpan(source=source, place=place, space=space, part=index.span_name(place, space))
        for place in places
        for space in spaces
    ]
