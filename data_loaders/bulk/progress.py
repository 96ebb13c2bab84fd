"""Progress bars with rate and remaining time, on standard error; lines now and then where that is no terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_SLOWEST_PER_SECOND = 10.0
_SECONDS_BETWEEN_LINES = 30.0
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


class LoggedProgress(Progress):
    """Progress bars on standard error; where that is a file or a pipe, a line about each bar twice a minute.

    Args:
        columns: what is shown of a bar; lines leave the bar itself out.
        options: those of `rich.progress.Progress`, but for the console.
    """

    def __init__(self, *columns: ProgressColumn, **options: Any) -> None:
        super().__init__(*columns, console=Console(stderr=True), **options)
        self._said_s: dict[TaskID, float] = {}
        self._speaks = not self.disable and not self.console.is_terminal

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Mark more steps as done."""
        super().advance(task_id, advance)
        self._say_how_far(task_id)

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Change what is known of a bar."""
        super().update(task_id, **changes)
        self._say_how_far(task_id)

    def _say_how_far(self, task_id: TaskID) -> None:
        if not self._speaks:
            return
        now_s, task = time.monotonic(), self._tasks[task_id]
        if now_s - self._said_s.setdefault(task_id, now_s) < _SECONDS_BETWEEN_LINES or task.finished:
            return
        self._said_s[task_id] = now_s
        columns = [one for one in self.columns if isinstance(one, ProgressColumn) and not isinstance(one, BarColumn)]
        said = [str(column(task)) for column in columns]
        self.console.print(" ".join(filter(None, said)), markup=False, highlight=False, soft_wrap=True)


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
    remaining = TextColumn("ETA"), TimeRemainingColumn()
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(unit), *remaining
    with LoggedProgress(*columns, disable=_hidden) as progress:
        yield Bar(progress, description, total)
