"""The words and hashtags of the sample, as YAML files. Their order decides the random draws: append, do not sort."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml


def read_table(name: str) -> Any:
    """Return the content of `name.yaml`."""
    return yaml.safe_load(files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
