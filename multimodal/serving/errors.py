"""What the service cannot do, each with a status code and a sentence; answered as `{"error": {…}}`."""

from __future__ import annotations

import math

from data_loaders.errors import UserError
from multimodal.memory.log.errors import PostExistsError, StoreError, StoreUnavailableError

_RETRY_S = 1.0


class ServiceError(Exception):
    """A request that is not answered.

    Attributes:
        status: of the HTTP answer.
        message: a sentence for the caller.
        retry_after_s: when to come again; None where that would not help.
    """

    def __init__(self, status: int, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after_s = status, message, retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        """Those of the HTTP answer."""
        return {} if self.retry_after_s is None else {"Retry-After": str(max(1, math.ceil(self.retry_after_s)))}

    @property
    def document(self) -> dict[str, dict[str, object]]:
        """The JSON of the HTTP answer."""
        return {"error": {"status": self.status, "message": self.message}}


def service_error(error: UserError) -> ServiceError:
    """Return what a `UserError` is over HTTP."""
    if isinstance(error, PostExistsError):
        return ServiceError(409, str(error))
    if isinstance(error, StoreUnavailableError):
        return ServiceError(503, str(error), _RETRY_S)
    if isinstance(error, StoreError):
        return ServiceError(500, str(error))
    return ServiceError(422, str(error))


def at_most(name: str, value: int, most: int, unit: str = "") -> None:
    """Refuse what is above a limit.

    Raises:
        ServiceError: it is (422).
    """
    if value > most:
        raise ServiceError(422, f"{name}: {value:,}{unit} were given; at most {most:,} are accepted.")
