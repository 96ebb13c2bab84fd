"""Small pieces of HTML. Whatever comes from data goes through `escape`."""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# Control characters and half surrogate pairs have no place in HTML, even written as references.
_UNSHOWN = {"Cc", "Cs"}


@dataclass(frozen=True)
class Html:
    """HTML that is safe to put into a page as it is."""

    text: str

    def __str__(self) -> str:
        return self.text


def escape(text: object) -> str:
    """Return any text so that it shows as it is, whatever it holds; HTML made here stays HTML."""
    if isinstance(text, Html):
        return text.text
    shown = "".join(" " if unicodedata.category(character) in _UNSHOWN else character for character in str(text))
    return html.escape(shown, quote=True)


def shortened(text: str, most: int) -> str:
    """Return the text cut after `most` characters, white space folded."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def number(value: float, digits: int = 3) -> str:
    """Return a number, a dash where it is not defined."""
    return "–" if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def percent(value: float) -> str:
    """Return a share as per cent, a dash where it is not defined."""
    return "–" if value is None or math.isnan(value) else f"{value:.0%}"


def with_interval(value: float, low: float, high: float) -> Html:
    """Return a value with its interval in small print."""
    if math.isnan(low) or math.isnan(high):
        return Html(number(value))
    return Html(f"{number(value)}<small>{number(low)}–{number(high)}</small>")


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[object]],
    text: Sequence[int] = (0,),
    best: int = -1,
) -> str:
    """Return a table that scrolls sideways by itself where the screen is narrow.

    Args:
        headings: of the columns.
        rows: cells; `Html` is taken as it is. A row of one cell is a heading over those that follow.
        text: columns that hold text and stand to the left.
        best: row that stands out.
    """
    kind = ["text" if place in text else "" for place in range(len(headings))]
    head = "".join(
        f'<th scope="col" class="{name}">{escape(cell)}</th>' for name, cell in zip(kind, headings, strict=True)
    )
    lines = []
    for place, row in enumerate(rows):
        if len(row) == 1:
            lines.append(f'<tr class="group"><td colspan="{len(headings)}">{escape(row[0])}</td></tr>')
            continue
        cells = "".join(f'<td class="{name}">{escape(cell)}</td>' for name, cell in zip(kind, row, strict=True))
        lines.append(f'<tr class="best">{cells}</tr>' if place == best else f"<tr>{cells}</tr>")
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def section(anchor: str, title: str, body: str, lead: str = "") -> str:
    """Return a section with a heading that can be linked to."""
    first = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    return f'<section id="{escape(anchor)}"><h2>{escape(title)}</h2>{first}{body}</section>'


def figure(title: str, drawing: str, note: str = "") -> str:
    """Return a drawing with its title and a remark below it."""
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<figure><figcaption>{escape(title)}</figcaption>{drawing}{below}</figure>"


def note(text: str) -> str:
    """Return a remark in small print."""
    return f'<p class="note">{escape(text)}</p>'


def badge(status: str) -> Html:
    """Return the status of a check as a coloured word."""
    return Html(f'<span class="badge {escape(status)}">{escape(status)}</span>')
