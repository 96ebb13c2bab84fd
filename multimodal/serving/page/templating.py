"""The parts of the page as HTML: templates filled in, every text escaped."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_FOLDER = "templates"


def rendered(template: str, **values: Any) -> str:
    """Return a template of `templates/` with these values."""
    return _environment().get_template(f"{template}.html.j2").render(**values)


def text_of(name: str) -> str:
    """Return a file of `templates/` as it is."""
    return files(__package__).joinpath(_FOLDER, name).read_text("utf-8")


@cache
def _environment() -> Environment:
    loader = PackageLoader(__package__, _FOLDER)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = _percent
    environment.filters["signed"] = _signed
    return environment


def _signed(number: float) -> str:
    return f"{number:+.2f}".replace("-", "−")


def _percent(share: float) -> str:
    """Return a share in whole percent; what is not quite nothing or everything does not become that."""
    rounded = round(100 * share)
    if rounded == 0 and share > 0:
        return "< 1 %"
    return "> 99 %" if rounded == 100 and share < 1 else f"{rounded} %"
