"""The body of a request, JSON or a form with a picture, as one of the schemas."""

from __future__ import annotations

import codecs
import re
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException

from multimodal.serving.errors import ServiceError
from multimodal.serving.repeated_keys import read_once, refuse_repeated
from multimodal.serving.shown_values import short_text, shown
from multimodal.serving.whole_forms import WholeForm
from multimodal.storage.unknown_keys import known_keys, unknown_key

Schema = TypeVar("Schema", bound=BaseModel)
_JSON, _FORM = "application/json", "multipart/form-data"
_MOST_FIELDS = 32
_ONE_PICTURE = "A form holds one post with one picture; send several posts as JSON, with their pictures in base64."
_LISTS = ("[", "{")
_MOST_MISTAKES, _MOST_TOLD_APART = 5, 1_000
_LONGEST_NAME = 100
# How pydantic names an alternative of a type in the place of a mistake.
_ALTERNATIVE = re.compile(r"(literal|list)\[.*\]")
# pydantic's words before those of the schemas.
_OWN = "Value error, "


async def read_json(request: Request, schema: type[Schema]) -> Schema:
    """Return a JSON body.

    Raises:
        ServiceError: it is of another type (415), no JSON or has a key twice (400), or not of the schema (422).
    """
    if _type_of(request) != _JSON:
        raise ServiceError(415, f"Content-Type is {_type_of(request) or 'missing'}; accepted: {_JSON}.")
    return validated(schema, (await request.body()).removeprefix(codecs.BOM_UTF8))


async def read_body(request: Request, schema: type[Schema]) -> tuple[Schema, bytes | None]:
    """Return a JSON body, or the fields of a form and the picture in its field `image`.

    Raises:
        ServiceError: see `read_json`; or the form cannot be read (400), or has several posts or pictures (422).
    """
    if _type_of(request) == _JSON:
        return await read_json(request, schema), None
    if _type_of(request) != _FORM:
        raise ServiceError(415, f"Content-Type is {_type_of(request) or 'missing'}; accepted: {_JSON}, {_FORM}.")
    form = await _form(request)
    try:
        fields, picture = await _fields(form)
    finally:
        await form.close()
    return validated(schema, fields), picture


async def _form(request: Request) -> FormData:
    try:
        # One picture more than is accepted, so that it is told apart from damage.
        return await WholeForm(request, max_files=2, max_fields=_MOST_FIELDS).parse()
    except MultiPartException as error:
        several = f" {_ONE_PICTURE}" if "files" in error.message else ""
        raise ServiceError(400, f"the form cannot be read: {error.message}{several}") from None
    except UnicodeError:  # of codecs that Python knows and texts do not use
        raise ServiceError(400, "the form cannot be read in the charset of its Content-Type; send UTF-8.") from None


async def _fields(form: FormData) -> tuple[dict[str, Any], bytes | None]:
    fields: dict[str, Any] = {}
    picture = None
    for name, value in form.multi_items():
        if name in fields or (name == "image" and picture is not None):
            raise ServiceError(422, f"{name}: given twice." + (f" {_ONE_PICTURE}" if name == "image" else ""))
        if name == "posts":
            raise ServiceError(422, f"posts: {_ONE_PICTURE}")
        if isinstance(value, UploadFile):
            if name != "image":
                raise ServiceError(422, f"{name}: a file was given; the picture is the field 'image'.")
            picture = await value.read()
        else:
            fields[name] = _value(name, value)
    return fields, picture or None


def _value(name: str, text: str) -> Any:
    """Return a field of a form: lists and objects are given as JSON; an empty field is missing."""
    if name in ("caption", "image", "user_id", "post_id") or not text.startswith(_LISTS):
        return text or None
    try:
        return read_once(text)
    except (ValueError, RecursionError):
        raise ServiceError(422, f"{name}: the list or object is not valid JSON.") from None


def _type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def validated(schema: type[Schema], given: bytes | dict[str, Any]) -> Schema:
    """Return JSON, or the fields of a form of which those that are None are missing, as a schema.

    Raises:
        ServiceError: it is not JSON or has a key twice (400), or not of the schema (422).
    """
    try:
        if isinstance(given, bytes):
            # Only a form writes numbers as texts.
            read = schema.model_validate_json(given, strict=True)
            refuse_repeated(given)
            return read
        return schema.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        if error.error_count() > _MOST_TOLD_APART:  # to tell each would take seconds
            raise ServiceError(
                422, f"the body has {error.error_count():,} mistakes; see /docs for its schema."
            ) from None
        mistakes = error.errors(include_url=False, include_context=False)
        if any(mistake["type"] == "json_invalid" for mistake in mistakes):
            raise ServiceError(400, f"the body is not valid JSON: {mistakes[0]['msg']}") from None
        told = [_mistake(mistake, schema) for mistake in mistakes[:_MOST_MISTAKES]]
        more = f" and {len(mistakes) - _MOST_MISTAKES} more" if len(mistakes) > _MOST_MISTAKES else ""
        raise ServiceError(422, "; ".join(told) + more) from None


def _mistake(mistake: Any, schema: type[BaseModel]) -> str:
    place, kind = mistake["loc"], mistake["type"]
    named = [str(part) for part in place if not _ALTERNATIVE.fullmatch(str(part))]
    name = short_text(".".join(named) or "body", _LONGEST_NAME)
    if kind == "extra_forbidden":
        return unknown_key(name, shown(mistake["input"]), known_keys(schema, place[:-1]))
    # Where fields contradict each other the value is the whole body.
    value = "" if kind == "missing" or not place else f" (got {shown(mistake['input'])})"
    return f"{name}: {mistake['msg'].removeprefix(_OWN)}{value}"
