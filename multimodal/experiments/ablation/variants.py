"""The variants of a configuration that an ablation compares."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from data_loaders.errors import UserError, nearest


@dataclass(frozen=True, slots=True)
class Variant:
    """A change of the configuration: `name` and the `key=value` overrides that make it."""

    name: str
    overrides: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The name as part of a path."""
        return re.sub(r"\W+", "-", self.name).strip("-")


VARIANTS = (
    Variant("full"),
    Variant("sum", ("fusion.name=sum",)),
    Variant("scalar", ("fusion.name=scalar",)),
    Variant("no image", ("encoder.image=null",)),
    # Neighbours are found by their captions, so they go too.
    Variant("no caption", ("encoder.caption=null", "history.neighbours=0")),
    Variant("no history", ("history.posts=0", "history.neighbours=0")),
    Variant("no neighbours", ("history.neighbours=0",)),
    Variant("no pointer", ("history.pointer=false",)),
    Variant("multilabel only", ("heads.sequence=false",)),
    Variant("sequence only", ("heads.multilabel=false",)),
)


def parse_variant(text: str) -> Variant:
    """Read `name=key=value key=value`, as given to `--variant`.

    Raises:
        UserError: it is not of this form.
    """
    name, separator, overrides = text.partition("=")
    parts = tuple(overrides.split())
    if not separator or not re.search(r"\w", name) or not parts or not all("=" in part for part in parts):
        raise UserError(
            f'--variant {text!r} is not of the form name="key=value key=value", for instance '
            'small="width=64 heads.steps=4".'
        )
    return Variant(name.strip(), parts)


def choose_variants(names: Sequence[str] | None, further: Sequence[Variant] = ()) -> list[Variant]:
    """Return the named variants and further ones, always in the same order.

    Args:
        names: of `VARIANTS`; None for all.
        further: custom variants, last.

    Raises:
        UserError: an unknown name, or one that is given twice.
    """
    known = [variant.name for variant in VARIANTS]
    for name in names or ():
        if name not in known:
            raise UserError(f"variant {name!r} is unknown.{nearest(name, known)} Known: {', '.join(known)}.")
    chosen = [variant for variant in VARIANTS if names is None or variant.name in names]
    chosen += further
    folders = [variant.folder for variant in chosen]
    for variant in reversed(chosen):
        if folders.count(variant.folder) > 1:
            raise UserError(f"variant {variant.name!r}: another one has the same name; give it a name of its own.")
    if not chosen:
        raise UserError(f"there is no variant to train; known: {', '.join(known)}.")
    return chosen
