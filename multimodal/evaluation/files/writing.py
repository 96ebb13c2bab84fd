"""Writing several result files at once, and tables as values for JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from multimodal.storage.run_folder import write_atomically, write_json

# A text, a table for a CSV file, an object for a JSON file, or what writes to the path it is given.
Content: TypeAlias = "str | pd.DataFrame | dict[str, Any] | Callable[[Path], Any]"


def write_files(folder: Path, contents: Mapping[str, Content], older: Collection[str] = ()) -> list[Path]:
    """Write files by name, each replaced in one step, and return their paths.

    Args:
        older: patterns of names that earlier calls wrote; those that are not written now are removed.
    """
    for path in [path for pattern in older for path in folder.glob(pattern) if path.name not in contents]:
        path.unlink()
    for name, content in contents.items():
        if isinstance(content, dict):
            write_json(folder / name, content)
        else:
            write_atomically(folder / name, _writer(content))
    return [folder / name for name in contents]


def _writer(content: str | pd.DataFrame | Callable[[Path], Any]) -> Callable[[Path], Any]:
    if isinstance(content, str):
        return lambda path: path.write_text(content, encoding="utf-8")
    if isinstance(content, pd.DataFrame):
        return lambda path: content.to_csv(path, index=False)
    return content


def plain_values(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as values for JSON; null where one is not defined or not finite."""
    return [{str(name): _plain(value) for name, value in record.items()} for record in table.to_dict("records")]


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return None if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)) else value
