"""Where refused records are listed: beside the answers, each output in a file of its own."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

_UNFINISHED = ".unfinished"
_SHORT, _OWN = ".rejected.jsonl", "-rejected.jsonl"


def is_list(path: Path) -> bool:
    """Return whether a file has the name of such a list."""
    return path.name.lower().endswith((_SHORT, _OWN))


def unfinished_beside(output: Path) -> Path:
    """Return the folder that keeps what is answered until the output is complete."""
    return output.with_name(output.name + _UNFINISHED)


def lists_beside(output: Path) -> tuple[Path, Path]:
    """Return the list of refused records of an output, and the one where another output may have taken its name."""
    return output.with_suffix(_SHORT), output.with_name(output.name + _OWN)


def list_beside(output: Path, endings: Container[str]) -> Path:
    """Return the file that is to list refused records.

    `x.csv` has `x.rejected.jsonl`, and `x.csv-rejected.jsonl` where there is an `x.parquet` beside that may have the
    former: one without a list that is surely its own.

    Args:
        output: of the answers; its folder exists.
        endings: those that outputs may have, in small letters.
    """
    short, own = lists_beside(output)
    if own.exists():
        return own
    paths = (path.with_name(path.name.removesuffix(_UNFINISHED)) for path in output.parent.iterdir())
    others = [path for path in paths if path.suffix.lower() in endings and lists_beside(path)[0] == short]
    taken = any(path != output and not lists_beside(path)[1].exists() for path in others)
    return own if taken else short
