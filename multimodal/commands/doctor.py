"""Say what is installed, what this machine offers, what a run folder holds, and what to mend."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from multimodal.commands.answer import FAILED, Answer

if TYPE_CHECKING:
    from multimodal.commands.checkup.fact import Fact

EXAMPLES = """examples:
  multimodal-hashtags doctor
  multimodal-hashtags doctor --run runs/sample
  multimodal-hashtags doctor --run runs/sample --memory memory.sqlite --json
  multimodal-hashtags doctor --run runs/sample --probe --data data/prepared

exit status: 1 if something has to be mended; what is merely absent does not count"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--run", help="look at this run folder, model/ folder or Hugging Face Hub id too")
    parser.add_argument("--memory", help="with --run: SQLite file or URL of what it remembers")
    parser.add_argument(
        "--probe", action="store_true", help="with --run: try how its encoders compute fastest here; takes minutes"
    )
    parser.add_argument("--data", help="with --probe: prepared folder whose validation posts are asked about")
    parser.add_argument("--device", help="that a model shall run on: cpu, cuda, cuda:1 (default: cuda if available)")


def run(options: argparse.Namespace) -> Answer:
    """Look at everything."""
    found = {name: facts for name, look in sections().items() if (facts := look(options))}
    wrong = [fact for facts in found.values() for fact in facts if fact.wrong]
    document = {
        "sections": {name: [_told(fact) for fact in facts] for name, facts in found.items()},
        "to_mend": [fact.name for fact in wrong],
    }
    last = f"to mend: {', '.join(fact.name for fact in wrong)}" if wrong else "nothing has to be mended"
    return Answer(
        document, [*(_text(name, facts) for name, facts in found.items()), last], status=FAILED if wrong else 0
    )


def sections() -> Mapping[str, Callable[[argparse.Namespace], list[Fact]]]:
    """Return a function for each section, in their order: from the options to facts; without any it is left out."""
    from multimodal.commands.checkup.installed import packages, versions
    from multimodal.commands.checkup.machine import caches, machine
    from multimodal.commands.checkup.probe import probe
    from multimodal.commands.checkup.run_folder import run_folder

    return {
        "versions": versions,
        "packages": packages,
        "machine": machine,
        "caches": caches,
        "run": run_folder,
        "probe": probe,
    }


def _told(fact: Fact) -> dict[str, str | bool]:
    return {"name": fact.name, "value": fact.value, "remedy": fact.remedy, "wrong": fact.wrong}


def _text(name: str, facts: list[Fact]) -> str:
    width = max(len(fact.name) for fact in facts)
    lines = [name]
    for fact in facts:
        lines.append(f"{'!' if fact.wrong else ' '} {fact.name:<{width}}  {fact.value}")
        lines += [f"  {'':<{width}}  → {fact.remedy}"] if fact.remedy else []
    return "\n".join([*lines, ""])
