"""The API key that requests have to carry, where the service has one."""

from __future__ import annotations

import hmac
from contextlib import suppress

from multimodal.serving.errors import ServiceError
from multimodal.serving.settings import ServiceSettings

API_KEY_HEADER = "X-API-Key"


def check_key(settings: ServiceSettings, given: str | None) -> None:
    """Refuse a request without the key.

    Args:
        settings: of the service.
        given: what the request carries.

    Raises:
        ServiceError: it is missing or wrong (401).
    """
    if settings.api_key is None:
        return
    sent = (given or "").encode("latin-1")  # as Starlette decodes headers
    # Compared in a time that does not depend on where the keys differ.
    if not any(hmac.compare_digest(sent, expected) for expected in _as_sent(settings.api_key)):
        raise ServiceError(401, f"the API key in the header {API_KEY_HEADER} is missing or wrong.")


def _as_sent(key: str) -> set[bytes]:
    """Return the bytes that a key is sent as: curl sends UTF-8, browsers and urllib Latin-1."""
    sent = {key.encode()}
    with suppress(UnicodeEncodeError):
        sent.add(key.encode("latin-1"))
    return sent
