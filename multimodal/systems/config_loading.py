"""From a YAML file and overrides to the validated configuration of the System it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from data_loaders.errors import ConfigError, short_repr
from multimodal.config import RunConfig, Section, read_values
from multimodal.storage.unknown_keys import unknown_key
from multimodal.systems.registry import get_system


def load_config(
    path: str | Path | None, overrides: Sequence[str] = (), defaults: Mapping[str, Any] | None = None
) -> RunConfig:
    """Read a YAML configuration, apply `key=value` overrides and validate it with its System's schema.

    Args:
        path: name of a shipped configuration or YAML file; None for the System's defaults (`system=…` must then be
            given as an override).
        overrides: `section.key=value`, value in YAML syntax, later ones win.
        defaults: values under the file's, for instance a run's saved configuration.

    Raises:
        ConfigError: unreadable file, unknown key (the nearest is named), wrong type, impossible combination;
            one message lists them all.
    """
    source = "the command line" if path is None else str(path)
    return validate_config(read_values(path, overrides, defaults), source)


def validate_config(values: Mapping[str, Any], source: str = "configuration") -> RunConfig:
    """Validate plain values with the schema of the System they name.

    Raises:
        ConfigError: see `load_config`.
    """
    if "system" not in values:
        raise ConfigError(f"{source}: the key 'system' is missing; name a system, for instance system=design.")
    schema = get_system(values["system"]).config_type
    try:
        return schema.model_validate(dict(values))
    except ValidationError as error:
        problems = [_describe(problem, schema, values) for problem in error.errors()]
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(f"{source}: {count}\n" + "\n".join(f"  - {line}" for line in problems)) from None


def _describe(problem: Any, schema: type[Section], values: Any) -> str:
    location = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return unknown_key(location, short_repr(problem["input"]), list(_keys_at(schema, values, problem["loc"][:-1])))
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in {"missing", "value_error"}:
        return f"{location}: {message}" if location else message
    return f"{location}: {message}, got {problem['input']!r}"


def _keys_at(schema: Any, values: Any, location: Sequence[Any]) -> Iterator[str]:
    """Yield the keys accepted at a location of nested sections, given their values."""
    for part in location:
        field = getattr(schema, "model_fields", {}).get(part)
        if field is None:
            return
        candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
        schema = next((c for c in candidates if isinstance(c, type) and issubclass(c, Section)), None)
        values = values.get(part) if isinstance(values, Mapping) else None
        schema = schema and schema.schema_for(values)
    yield from getattr(schema, "model_fields", {})
