"""The icon of the service in a browser: a number sign."""

from __future__ import annotations

from base64 import b64encode

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#4f46e5"/>'
    '<path d="M13 7l-2 18M21 7l-2 18M7 12.5h18M7 19.5h18" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/>'
    "</svg>"
)
SVG_TYPE = "image/svg+xml"


def icon_address() -> str:
    """Return an address that is the icon itself: nothing is asked for."""
    return f"data:{SVG_TYPE};base64,{b64encode(SVG.encode()).decode()}"


def icon_link() -> str:
    """Return the element of a page's head that names the icon, which comes with it."""
    return f'<link rel="icon" type="{SVG_TYPE}" href="{icon_address()}">'
