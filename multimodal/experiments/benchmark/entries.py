"""What a benchmark compares: named configurations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_loaders.errors import UserError, nearest
from multimodal.systems.registry import list_systems

ALL = "all"
# The configurations of the papers need pretrained encoders; these train anywhere, with the same encoders.
_CONFIG_OF = {"design": "sample", **{name: f"{name}_sample" for name in ("amnn", "coa", "macon", "tagnet")}}
# It sends posts to somebody else's machine, so it is compared only where it is named.
_ONLY_BY_NAME = ("language_model",)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table.

    Attributes:
        name: shown in the table, and the name of the run folder.
        config: name of a shipped configuration, or YAML file.
        overrides: `key=value` on top of it.
    """

    name: str
    config: Path
    overrides: tuple[str, ...] = ()


def parse_entry(text: str) -> Entry:
    """Read `NAME=CONFIG key=value …`, as given to `--entry`.

    Raises:
        UserError: it is not of this form.
    """
    name, _, rest = text.partition("=")
    file, *overrides = _parts(rest) or [""]
    if not re.fullmatch(r"[\w.+-]+", name) or not file or not all("=" in part for part in overrides):
        raise UserError(
            f'--entry {text!r} is not of the form NAME="CONFIG key=value …", with letters, digits, . + - _ in the '
            'name, for instance --entry wide="sample width=256".'
        )
    return Entry(name, Path(file), tuple(overrides))


def _parts(text: str) -> list[str]:
    """Return what spaces separate, but for those inside brackets and quotation marks."""
    return re.findall(r"""(?:\{[^}]*\}|\[[^\]]*\]|"[^"]*"|'[^']*'|\S)+""", text)


def parse_settings(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read `NAME:key=value …` settings for single rows, as given to `--set`.

    Raises:
        UserError: one is not of this form.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, _, rest = text.partition(":")
        parts = tuple(_parts(rest))
        if not name or not parts or not all("=" in part for part in parts):
            raise UserError(
                f"--set {text!r} is not of the form NAME:key=value …, for instance --set lstm:training.epochs=5."
            )
        found[name] = (*found.get(name, ()), *parts)
    return found


def choose_entries(
    systems: str,
    entries: Sequence[Entry] = (),
    settings: Mapping[str, tuple[str, ...]] | None = None,
    overrides: Sequence[str] = (),
) -> list[Entry]:
    """Return the rows of a benchmark: Systems with the configuration of their name, then further entries.

    Args:
        systems: names with commas between, `all` (but those that ask other machines), or nothing.
        settings: overrides for single rows, by name.
        overrides: for all rows, before their own.

    Raises:
        UserError: an unknown System or row, a name twice, or no row at all.
    """
    settings = settings or {}
    known = list_systems()
    everyone = [name for name in known if name not in _ONLY_BY_NAME]
    names = everyone if systems.strip() == ALL else [name.strip() for name in systems.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise UserError(
                f"system {name!r} is unknown.{nearest(name, known)} Known: {', '.join(known)}, and {ALL} for all."
            )
    rows = [Entry(name, Path(_CONFIG_OF.get(name, name))) for name in names]
    rows += entries
    all_names = [row.name for row in rows]
    for name in all_names:
        if all_names.count(name) > 1:
            raise UserError(f"the name {name!r} is given twice; every row of the table needs a name of its own.")
    for name in settings:
        if name not in all_names:
            raise UserError(
                f"--set {name}: there is no such row.{nearest(name, all_names)} Rows: {', '.join(all_names)}."
            )
    if not rows:
        raise UserError("there is nothing to compare; give --systems all, names, or --entry.")
    return [Entry(row.name, row.config, (*overrides, *row.overrides, *settings.get(row.name, ()))) for row in rows]


def choose_rows(option: str, names: str, entries: Sequence[Entry]) -> set[str]:
    """Return the names of the rows that an option is about.

    Args:
        option: such as `--renew`, for the message.
        names: with commas between, `all`, or nothing.
        entries: the rows.

    Raises:
        UserError: there is no such row.
    """
    known = [entry.name for entry in entries]
    wanted = known if names.strip() == ALL else [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise UserError(
                f"{option} {name}: there is no such row.{nearest(name, known)} Rows: {', '.join(known)}, or {ALL}."
            )
    return set(wanted)
