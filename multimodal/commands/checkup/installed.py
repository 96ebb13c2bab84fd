"""Sections `versions` and `packages`: what is installed, and the commands that install the rest."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from data_loaders import __version__
from data_loaders.command_line import PROGRAM
from multimodal.commands.checkup.fact import Fact

# Without these nothing can be recommended; requirements-recommend.txt says the same.
NEEDED = (
    *("torch", "tokenizers", "accelerate", "huggingface_hub", "safetensors", "numpy", "scipy", "scikit-learn"),
    *("pillow", "pydantic", "pyyaml", "regex", "rich"),
)
_OLDEST, _NEWEST = (3, 10), (3, 13)
_FOR_DEVELOPERS = ("dev", "docs")


def versions(options: argparse.Namespace) -> list[Fact]:
    """Return the versions of the program, Python and PyTorch, and the system."""
    import torch

    found = sys.version_info[:2]
    supported = f"{_OLDEST[0]}.{_OLDEST[1]} to {_NEWEST[0]}.{_NEWEST[1]}"
    fits = _OLDEST <= found <= _NEWEST
    return [
        Fact(name=PROGRAM, value=f"{__version__} in {Path(__file__).parents[3]}"),
        Fact(
            name="python", value=f"{platform.python_version()} at {sys.executable}",
            remedy="" if fits else f"install Python {supported}", wrong=not fits,
        ),
        Fact(name="pytorch", value=f"{torch.__version__}, CUDA {torch.version.cuda or 'not built in'}"),
        Fact(name="system", value=f"{platform.system()} {platform.release()}, {platform.machine()}"),
    ]  # fmt: skip


def packages(options: argparse.Namespace) -> list[Fact]:
    """Return which required packages and which extras are there."""
    try:
        texts = metadata.requires(PROGRAM) or []
    except metadata.PackageNotFoundError:
        return [Fact(name=PROGRAM, value="not installed, a checkout", remedy="pip install --editable .")]
    required = [Requirement(text) for text in texts]
    own = [one for one in required if "extra" not in str(one.marker or "") and _applies(one)]
    lacking = {one: problem for one in own if (problem := _problem(one))}
    facts = [Fact(name="required", value=f"{len(own) - len(lacking)} of {len(own)} are there")]
    for one, problem in lacking.items():
        needed = one.name in NEEDED
        why = "" if needed else " (preparing, training and evaluating may need it; recommending does without)"
        install = f"pip install '{one.name}{one.specifier}'{why}"
        facts.append(Fact(name=one.name, value=problem, remedy=install, wrong=needed))
    extras = metadata.metadata(PROGRAM).get_all("Provides-Extra") or []
    return [*facts, *(_extra(name, required) for name in extras if name not in _FOR_DEVELOPERS)]


def _extra(name: str, required: Sequence[Requirement]) -> Fact:
    of_extra = [one for one in required if not _applies(one) and _applies(one, name)]
    lacking = [f"{one.name} {problem}" for one in of_extra if (problem := _problem(one))]
    if not lacking:
        return Fact(
            name=f"extra {name}", value=", ".join(f"{one.name} {metadata.version(one.name)}" for one in of_extra)
        )
    return Fact(name=f"extra {name}", value=", ".join(lacking), remedy=f"pip install '{PROGRAM}[{name}]'")


def _applies(requirement: Requirement, extra: str = "") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _problem(requirement: Requirement) -> str:
    """Return what is wrong with an installed package; an empty text where nothing is."""
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return "missing"
    fits = requirement.specifier.contains(version, prereleases=True)
    return "" if fits else f"{version} does not fit; {requirement.specifier} is needed"
