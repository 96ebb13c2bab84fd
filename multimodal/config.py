"""Strict, typed configuration: YAML file + `key=value` overrides → a frozen, validated object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_loaders.errors import ConfigError, nearest


class Section(BaseModel):
    """A part of a configuration: unknown keys are refused, values cannot change later."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, protected_namespaces=())


class RunConfig(Section):
    """What every System's configuration holds."""

    system: str = Field(description="name of the System, see `list_systems()`")
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="seeds every random choice")


def load_config(
    path: str | Path | None, overrides: Sequence[str] = (), defaults: Mapping[str, Any] | None = None
) -> RunConfig:
    """Read a YAML configuration, apply `key=value` overrides and validate it with its System's schema.

    Args:
        path: YAML file; None for the System's defaults (`system=…` must then be given as an override).
        overrides: `section.key=value`, value in YAML syntax, later ones win.
        defaults: values under the file's, for instance a run's saved configuration.

    Raises:
        ConfigError: unreadable file, unknown key (the nearest is named), wrong type, impossible combination;
            one message lists them all.
    """
    values: dict[str, Any] = _deep_copy(defaults or {})
    source = "the command line"
    if path is not None:
        source = str(path)
        _merge(values, _read_yaml(Path(path)))
    for override in overrides:
        _merge(values, _parse_override(override))
    return validate_config(values, source)


def validate_config(values: Mapping[str, Any], source: str = "configuration") -> RunConfig:
    """Validate plain values with the schema of the System they name.

    Raises:
        ConfigError: see `load_config`.
    """
    from multimodal.systems import get_system

    if "system" not in values:
        raise ConfigError(f"{source}: the key 'system' is missing; name a system, for instance system=design.")
    schema = get_system(values["system"]).config_type
    try:
        return schema.model_validate(dict(values))
    except ValidationError as error:
        problems = [_describe(problem, schema) for problem in error.errors()]
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(f"{source}: {count}\n" + "\n".join(f"  - {line}" for line in problems)) from None


def dump_config(config: RunConfig) -> str:
    """Return the resolved configuration as YAML, every key present."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        folder = path.parent if path.parent.is_dir() else Path("configs")
        names = sorted(p.name for p in folder.glob("*.yaml"))
        listed = f" Files in {folder}: {', '.join(names)}." if names else ""
        raise ConfigError(f"configuration {str(path)!r} does not exist.{nearest(path.name, names)}{listed}") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"configuration {str(path)!r} cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"configuration {str(path)!r} holds {type(values).__name__}; expected keys and values.")
    return values


def _parse_override(text: str) -> dict[str, Any]:
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise ConfigError(f"override {text!r} is not of the form key=value, for instance training.epochs=3.")
    try:
        nested: Any = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"override {text!r}: the value is not valid YAML: {error}") from None
    if isinstance(nested, str):
        nested = _number_or_text(nested)
    for part in reversed(key.strip().split(".")):
        nested = {part: nested}
    return dict(nested)


def _number_or_text(text: str) -> float | str:
    # YAML 1.1 reads 1e-3 as text; people mean the number.
    try:
        return float(text)
    except ValueError:
        return text


def _merge(target: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        elif isinstance(value, Mapping) and isinstance(target.get(key), str):
            # A section of which only the name was given, as in encoder.caption=lstm.
            target[key] = {"name": target[key], **_deep_copy(value)}
        else:
            target[key] = _deep_copy(value) if isinstance(value, Mapping) else value


def _deep_copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _deep_copy(value) if isinstance(value, Mapping) else value for key, value in values.items()}


def _describe(problem: Any, schema: type[BaseModel]) -> str:
    location = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        siblings = list(_keys_at(schema, problem["loc"][:-1]))
        accepted = f" Accepted here: {', '.join(siblings)}." if siblings else ""
        return f"{location}: unknown key.{nearest(str(problem['loc'][-1]), siblings)}{accepted}"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in {"missing", "value_error"}:
        return f"{location}: {message}" if location else message
    return f"{location}: {message}, got {problem['input']!r}"


def _keys_at(schema: Any, location: Sequence[Any]) -> Iterator[str]:
    """Yield the keys accepted at a location of nested sections."""
    for part in location:
        field = getattr(schema, "model_fields", {}).get(part)
        if field is None:
            return
        candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
        schema = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
    yield from getattr(schema, "model_fields", {})
