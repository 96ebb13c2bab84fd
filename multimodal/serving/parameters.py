"""What the address of a request holds: its bytes and its parameters."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from fastapi import Request
from fastapi.routing import APIRoute

from data_loaders.errors import nearest
from multimodal.serving.errors import ServiceError
from multimodal.serving.shown_values import short_text, shown

_LONGEST_NAME = 100


def check_parameters(request: Request) -> None:
    """Refuse parameters that the route does not have: passed over, `?modle=b` would ask another model.

    Raises:
        ServiceError: there are such (422), or the address is no UTF-8 (400).
    """
    _check_bytes(request)
    route = request.scope.get("route")
    known = [field.alias for field in route.dependant.query_params] if isinstance(route, APIRoute) else []
    for name, value in request.query_params.items():
        if name not in known:
            accepted = f"Accepted there: {', '.join(known)}." if known else "None is accepted there; send a JSON body."
            said = f"{short_text(name, _LONGEST_NAME)}: unknown parameter in the address.{nearest(name, known)}"
            raise ServiceError(422, f"{said} {accepted} Its value: {shown(value)}.")


def _check_bytes(request: Request) -> None:
    """Refuse an address that is no UTF-8: servers put U+FFFD for such bytes, which would name another user."""
    for name, sent in (("path", request.scope.get("raw_path") or b""), ("query", request.scope["query_string"])):
        try:
            unquote_to_bytes(sent).decode()
        except UnicodeDecodeError:
            said = shown(sent.decode("latin-1"))
            raise ServiceError(400, f"the {name} of the address, {said}, is not UTF-8; encode ids as UTF-8.") from None
