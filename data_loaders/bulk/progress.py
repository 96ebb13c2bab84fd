"""Progress bars with rate and remaining time, on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

_SLOWEST_PER_SECOND = 10.0
_hidden = False


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if speed is None:
            return Text("")
        if speed < _SLOWEST_PER_SECOND:
            return Text(f"{60 * speed:,.0f} {self._unit}/min")
        return Text(f"{speed:,.0f} {self._unit}/s")


def hide_bars() -> None:
    """Show no progress bars in this process, one of several that work side by side."""
    global _hidden
    _hidden = True


class Bar:
    """A running progress bar."""

    def __init__(self, progress: Progress, description: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total)

    def advance(self, steps: int = 1) -> None:
        """Mark `steps` more steps as done."""
        self._progress.advance(self._task, steps)


@contextmanager
def progress_bar(description: str, total: int | None, unit: str = "posts") -> Iterator[Bar]:
    """Show a progress bar while the block runs.

    Args:
        description: label of the bar.
        total: number of steps; None when unknown.
        unit: name of the steps, in the plural.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(unit), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=_hidden) as progress:
        yield Bar(progress, description, total)
