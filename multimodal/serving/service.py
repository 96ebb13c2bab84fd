"""`Service`: what the routes share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from multimodal.serving.errors import ServiceError
from multimodal.serving.kept_answers import KeptAnswers
from multimodal.serving.measurements import Measurements
from multimodal.serving.served_models import ServedModels
from multimodal.serving.settings import ServiceSettings


@dataclass(slots=True)
class Service:
    """The state of one application.

    Attributes:
        settings: how it runs.
        measurements: what it counts.
        answers: the last ones.
        loaded: models that were loaded before the application starts, if any.
        models: None until they answer, and after they are closed.
    """

    settings: ServiceSettings
    measurements: Measurements = field(default_factory=Measurements)
    answers: KeptAnswers = field(default_factory=KeptAnswers)
    loaded: ServedModels | None = None
    models: ServedModels | None = None

    @property
    def ready(self) -> ServedModels:
        """The models.

        Raises:
            ServiceError: they are not loaded.
        """
        if self.models is None:
            raise ServiceError(503, "the models are not loaded.", 1)
        return self.models


def service_of(request: Request) -> Service:
    """Return the state of the application that a request came to."""
    service: Service = request.app.state.service
    return service


async def _depended_on(request: Request) -> Service:
    # FastAPI would call what is not a coroutine in a thread.
    return service_of(request)


TheService = Annotated[Service, Depends(_depended_on)]
