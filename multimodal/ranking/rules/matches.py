"""`Matches`: the hashtags of a memory that rules name, found once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from multimodal.distributed.forking import ForkSafeLock
from multimodal.ranking.rules.patterns import Patterns, Replacements
from multimodal.ranking.rules.rules import Rules


@dataclass(frozen=True, slots=True)
class Matches:
    """The patterns of rules, and which of the known hashtags match them.

    Attributes:
        rules: the rules.
        never: of the rules.
        replaced: of the rules.
        only: of the rules; None where they name none.
        known: all hashtags of a memory; it only grows.
        count: how many of them were looked at.
        barred: those of them that match `never`.
        admitted: those of them that match `only`.
        renamed: those of them that others take the place of, and these.
    """

    rules: Rules
    never: Patterns
    replaced: Replacements
    only: Patterns | None
    known: Sequence[str] = ()
    count: int = 0
    barred: frozenset[str] = frozenset()
    admitted: frozenset[str] = frozenset()
    renamed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Rules) -> Matches:
        """Return the patterns of rules, nothing looked at."""
        only = Patterns(rules.only) if isinstance(rules.only, tuple) else None
        return cls(rules, Patterns(rules.never), Replacements(rules.replace), only)

    def among(self, known: Sequence[str]) -> Matches:
        """Return the matches among all hashtags of a memory; those that were looked at are not looked at again."""
        if known is not self.known or len(known) < self.count:
            return Matches.of(self.rules)._with(known, known)
        return self if len(known) == self.count else self._with(known, known[self.count :])

    def _with(self, known: Sequence[str], new: Iterable[str]) -> Matches:
        names = list(new)
        only = self.only
        renamed = {name: place for name in names if (place := self.replaced.of(name)) != name} if self.replaced else {}
        return Matches(
            self.rules,
            self.never,
            self.replaced,
            only,
            known,
            len(known),
            self.barred.union(name for name in names if name in self.never),
            self.admitted if only is None else self.admitted.union(name for name in names if name in only),
            {**self.renamed, **renamed},
        )


class RuleBook:
    """The matches of the rules that were asked for last.

    Args:
        size: of how many rules to keep.
    """

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._kept: dict[Rules, Matches] = {}
        self._lock = ForkSafeLock()

    def matches(self, rules: Rules, known: Sequence[str]) -> Matches:
        """Return the matches of rules among all hashtags of a memory."""
        with self._lock:
            found = self._kept.pop(rules, None) or Matches.of(rules)
            found = self._kept[rules] = found.among(known)
            while len(self._kept) > self._size:
                del self._kept[next(iter(self._kept))]
            return found
