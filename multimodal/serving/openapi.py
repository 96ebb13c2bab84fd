"""What OpenAPI says of the bodies of requests, which routes read themselves."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from multimodal.serving import schemas

_REFERENCE = "#/components/schemas/{model}"
_BODIES = (
    *(schemas.RecommendRequest, schemas.BatchRequest, schemas.ObserveRequest, schemas.FeedbackRequest),
    schemas.Rules,
)
_FORM_LACKS = ("image", "history", "posts")
_PICTURE = {"type": "string", "contentMediaType": "application/octet-stream", "description": "the picture file"}


def accepts(schema: type[BaseModel], form: bool = False) -> dict[str, Any]:
    """Return what OpenAPI says of the body of a route.

    Args:
        schema: of the JSON.
        form: whether a form with a picture is accepted too.
    """
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": _REFERENCE.format(model=schema.__name__)}}}
    if form:
        properties = schema.model_json_schema(ref_template=_REFERENCE)["properties"]
        fields = {name: value for name, value in properties.items() if name not in _FORM_LACKS}
        content["multipart/form-data"] = {"schema": {"type": "object", "properties": {**fields, "image": _PICTURE}}}
    return {"requestBody": {"required": True, "content": content}}


def describe(app: FastAPI) -> None:
    """Let an application describe the bodies of its requests too."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            _, bodies = models_json_schema([(body, "validation") for body in _BODIES], ref_template=_REFERENCE)
            app.openapi_schema["components"]["schemas"].update(bodies["$defs"])
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
