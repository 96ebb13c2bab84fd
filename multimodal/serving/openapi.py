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
_JSON = "application/json"
_WRITTEN_AS_JSON = ("'array'", "'object'", "'$ref'")
_PICTURE = {"type": "string", "contentMediaType": "application/octet-stream", "description": "the picture file"}


def accepts(schema: type[BaseModel], form: bool = False) -> dict[str, Any]:
    """Return what OpenAPI says of the body of a route.

    Args:
        schema: of the JSON.
        form: whether a form with a picture is accepted too.
    """
    content: dict[str, Any] = {_JSON: {"schema": {"$ref": _REFERENCE.format(model=schema.__name__)}}}
    if form:
        content["multipart/form-data"] = _form(schema.model_json_schema(ref_template=_REFERENCE)["properties"])
    return {"requestBody": {"required": True, "content": content}}


def _form(properties: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the form with these fields: lists and objects are JSON, and a field that is null is left out."""
    fields = {name: _without_null(value) for name, value in properties.items() if name not in _FORM_LACKS}
    as_json = [name for name, field in fields.items() if any(kind in str(field) for kind in _WRITTEN_AS_JSON)]
    return {
        "schema": {"type": "object", "additionalProperties": False, "properties": {**fields, "image": _PICTURE}},
        "encoding": {name: {"contentType": _JSON} for name in as_json},
    }


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
    told = {name: value for name, value in field.items() if not (name == "default" and value is None)}
    return {**told, "anyOf": kinds} if kinds else told


def describe(app: FastAPI, keyed: bool) -> None:
    """Let an application describe the bodies of its requests too.

    Args:
        app: the application.
        keyed: whether requests have to carry a key.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            _, bodies = models_json_schema([(body, "validation") for body in _BODIES], ref_template=_REFERENCE)
            app.openapi_schema["components"]["schemas"].update(bodies["$defs"])
            if not keyed:
                _leave_out_keys(app.openapi_schema)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _leave_out_keys(document: dict[str, Any]) -> None:
    document["components"].pop("securitySchemes", None)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
            if not operation["operationId"].startswith("reload"):
                operation["responses"].pop("401", None)
