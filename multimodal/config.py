"""Strict, typed configuration: a YAML file and `key=value` overrides become a frozen, validated object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from data_loaders.errors import ConfigError, short_repr
from multimodal.storage.configurations import find_config
from multimodal.storage.unique_keys import load_yaml

# YAML reads dates and numbers too: an impossible one is a ValueError, as is text that is not UTF-8.
YAML_ERRORS = (yaml.YAMLError, ValueError, RecursionError)


class Section(BaseModel):
    """A section of a configuration: unknown keys are refused, values are immutable, and `yes` is not the number 1.

    Attributes:
        retired: keys of earlier versions with the value that turned them off, which a saved configuration may contain.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, protected_namespaces=())
    retired: ClassVar[Mapping[str, Any]] = {}

    @model_validator(mode="before")
    @classmethod
    def _without_retired(cls, values: Any) -> Any:
        if not cls.retired or not isinstance(values, Mapping):
            return values
        for key, off in cls.retired.items():
            if values.get(key, off) != off:
                raise ValueError(f"{key}={values[key]} was removed and is only accepted as {off} (off); leave it out")
        return {key: value for key, value in values.items() if key not in cls.retired}

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        accepted = set(_types(cls.model_fields[str(info.field_name)].annotation))
        if accepted & {int, float} and bool not in accepted and _holds_bool(value):
            raise ValueError(f"Input should be a number, not true or false, got {value!r}")
        return value

    @classmethod
    def schema_for(cls, values: Any) -> type[Section]:
        """Return the schema of a section with these values: this class, unless they choose among several."""
        return cls


def _types(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation is made of; those of its literals too."""
    yield annotation if isinstance(annotation, type) else type(annotation)
    for part in get_args(annotation):
        yield from _types(part)


def _holds_bool(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_bool, value.values()))
    return any(map(_holds_bool, value)) if isinstance(value, (list, tuple)) else isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers that a search for hyper-parameters may try.

    Attributes:
        low: smallest.
        high: largest.
        log: whether small ones are tried as often as large ones.
    """

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Values that a search for hyper-parameters may try, as YAML writes them."""

    values: tuple[str | int | float | bool, ...]


# What may be tried for a key, such as `training.learning_rate`.
SearchSpace = Mapping[str, Range | Choice]


class RunConfig(Section):
    """The keys that every System's configuration has.

    Attributes:
        search_space: what `benchmark --trials` tries; nothing for a System that has nothing to choose, or chooses by
            itself.
        search_settings: what it sets in trials beside that, so that validation posts can tell them apart.
    """

    search_space: ClassVar[SearchSpace] = MappingProxyType({})
    search_settings: ClassVar[tuple[str, ...]] = ()
    system: str = Field(description="name of the System, one of `list_systems()`")
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="seeds every random choice")

    def searchable(self) -> SearchSpace:
        """Return what of `search_space` this configuration has a use for."""
        return self.search_space


def dump_config(config: RunConfig) -> str:
    """Return the resolved configuration as YAML, with every key."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def read_values(
    path: str | Path | None, overrides: Sequence[str] = (), defaults: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the plain values of a YAML file with `key=value` overrides applied, not yet validated.

    Args:
        path: name of a shipped configuration, or a YAML file; None to use the overrides only.
        overrides: `section.key=value` with the value in YAML syntax; later ones win.
        defaults: values that the file and the overrides replace, for instance a run's saved configuration.

    Raises:
        ConfigError: the file cannot be read, or an override is not of the form `key=value`.
    """
    values = _deep_copy(defaults or {})
    if path is not None:
        _merge(values, _read_yaml(find_config(path)))
    for override in overrides:
        _merge(values, _parse_override(override))
    return values


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = load_yaml(path.read_text(encoding="utf-8"))
    except (*YAML_ERRORS, OSError) as error:
        raise ConfigError(f"configuration {str(path)!r} cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"configuration {str(path)!r} contains a {type(values).__name__}, not keys and values.")
    return values


def _parse_override(text: str) -> dict[str, Any]:
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise ConfigError(f"override {text!r} is not of the form key=value, for instance training.epochs=3.")
    try:
        nested: Any = load_yaml(value)
    except YAML_ERRORS as error:
        raise ConfigError(f"override {short_repr(text)}: the value is not valid YAML: {error}") from None
    if isinstance(nested, str):
        with suppress(ValueError):  # YAML 1.1 reads 1e-3 as text, but users mean the number
            nested = float(nested)
    for part in reversed(key.strip().split(".")):
        nested = {part: nested}
    return dict(nested)


def _merge(target: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        elif isinstance(value, Mapping) and isinstance(target.get(key), str):
            # So far the section has only a name, as in encoder.caption=lstm.
            target[key] = {"name": target[key], **_deep_copy(value)}
        else:
            target[key] = _deep_copy(value) if isinstance(value, Mapping) else value


def _deep_copy(values: Mapping[str, Any]) -> dict[str, Any]:
    # Not copy.deepcopy: sections that are aliases of each other in a YAML file must not stay the same dictionary.
    return {key: _deep_copy(value) if isinstance(value, Mapping) else value for key, value in values.items()}
