"""`Registry`: the readers, encoders, fusions, profiles and Systems there are, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Generic, TypeVar, cast

from data_loaders.errors import ConfigError, nearest

T = TypeVar("T")
Item = TypeVar("Item")
_SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")


class Registry(Generic[T]):
    """Items of one kind by name, registered by decorator.

    Args:
        kind: what the items are, for messages, for instance "fusion".
        built_in: name → the module that registers it; imported the first time that name is asked for.
    """

    def __init__(self, kind: str, built_in: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self._built_in = dict(built_in or {})
        self._items: dict[str, T] = {}

    def register(self, *names: str) -> Callable[[Item], Item]:
        """Return a decorator that registers an item under each of `names`.

        Raises:
            ConfigError: a name is taken, or is not snake_case.
        """

        def add(item: Item) -> Item:
            for name in names:
                if not _SNAKE_CASE.fullmatch(name):
                    raise ConfigError(f"the name of a {self.kind} is snake_case, for instance my_own, not {name!r}.")
                # A built-in name belongs to its module, also before that is imported.
                module = getattr(item, "__module__", None)
                if self._built_in.get(name, module) != module or self._items.get(name, item) is not item:
                    raise ConfigError(f"the {self.kind} {name!r} is already registered; choose another name.")
            self._items.update(dict.fromkeys(names, cast(T, item)))
            return item

        return add

    def names(self) -> list[str]:
        """Return all names, sorted; nothing is imported."""
        return sorted({*self._built_in, *self._items})

    def check(self, name: str) -> str:
        """Return the name if there is such an item.

        Raises:
            ConfigError: there is none; the message names the nearest and all that exist.
        """
        if name not in self.names():
            raise ConfigError(unknown_name(self.kind, name, self.names()))
        return name

    def get(self, name: str) -> T:
        """Return the item of that name.

        Raises:
            ConfigError: see `check`.
        """
        # Not every name in a YAML file is text.
        if not isinstance(name, str) or name not in self._items:
            import_module(self._built_in[self.check(name)])
        return self._items[name]

    def values(self) -> list[T]:
        """Return all items: the built-in ones, then the others in the order of registration."""
        return [self.get(name) for name in dict.fromkeys([*self._built_in, *self._items])]


def unknown_name(kind: str, name: object, known: Iterable[str], similar: Iterable[str] = ()) -> str:
    """Return the message for a name that does not exist: the nearest (also of `similar`), then all that are known.

    >>> unknown_name("fusion", "som", ["scalar", "sum"])
    "unknown fusion 'som'. Did you mean 'sum'? Known: scalar, sum."
    """
    names = list(known)
    return f"unknown {kind} {name!r}.{nearest(str(name), [*names, *similar])} Known: {', '.join(names)}."
