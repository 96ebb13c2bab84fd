"""The files of a model folder, opened only if they are regular files, and JSON that is not trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from data_loaders.dump_files.opening import FileRefused, open_file, read_file
from data_loaders.errors import RunError

_MOST_JSON_BYTES = 4 * 2**30
_MOST_PROBLEMS = 3
_MOST_SHOWN = 60
_COPY_AGAIN = "the folder is partial, copy it again or train again."
# What a zip archive (as torch.save writes) and a pickle begin with.
_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
FormType = TypeVar("FormType")


class Form(BaseModel):
    """What a JSON object of a model folder has to hold, of exactly these types; other keys are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


def _without_repeats(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("a value is given twice")
    return values


Count = Annotated[int, Field(ge=0, le=2**53)]
Number = Annotated[float, Field(ge=-1e30, le=1e30)]
Names = Annotated[list[str], AfterValidator(_without_repeats)]
"""Texts without repeats."""
Hashtag = Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00-\x20\x7f-\x9f]+$")]
"""No blanks and no control characters, which a terminal would obey."""
Hashtags = Annotated[list[Hashtag], AfterValidator(_without_repeats)]


def require_file(path: Path, what: str) -> None:
    """Refuse what is not a regular file, or a link to one: reading a pipe or a device would never end.

    Args:
        path: the file.
        what: its content, for messages.

    Raises:
        RunError: it is missing, something else, or cannot be opened.
    """
    try:
        open_file(path).close()
    except FileRefused as error:
        raise _refused(path, what, error, _COPY_AGAIN) from None


def read_bytes(path: Path, what: str, absent: str = _COPY_AGAIN) -> bytes:
    """Return the content of a regular file of at most 4 GiB.

    Args:
        path: the file.
        what: its content, for messages.
        absent: what to say where there is no file.

    Raises:
        RunError: see `require_file`; or the file is larger, or cannot be read.
    """
    try:
        return read_file(path, None, _MOST_JSON_BYTES)
    except FileRefused as error:
        raise _refused(path, what, error, absent) from None


def _refused(path: Path, what: str, error: FileRefused, absent: str) -> RunError:
    if error.reason == "missing":
        return RunError(f"{path} ({what}) is missing; {absent}")
    return RunError(f"{path} ({what}) cannot be read: {error.cause}.")


def parse_json(path: Path, content: bytes, what: str) -> Any:
    """Return the value of a JSON file's content.

    Raises:
        RunError: it is not JSON in UTF-8, names a key twice, holds NaN, or is nested too deeply.
    """
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_unique_keys, parse_constant=_constant)
    except RecursionError:
        raise RunError(f"{path} ({what}) is damaged: it is nested too deeply.") from None
    except ValueError as error:
        raise RunError(f"{path} ({what}) is damaged: {error}") from None


def read_json_as(path: Path, what: str, form: type[FormType]) -> FormType:
    """Return a JSON file's value in the form that it has to have.

    Args:
        path: the file.
        what: its content, for messages.
        form: a `Form`, or any other type that pydantic checks.

    Raises:
        RunError: the file is missing or damaged, or its value has another form; the message names what does not fit.
    """
    return checked(path, what, parse_json(path, read_bytes(path, what), what), form)


def checked(path: Path, what: str, value: Any, form: type[FormType]) -> FormType:
    """Return a value of a JSON file in the form that it has to have; see `read_json_as`."""
    try:
        return TypeAdapter(form).validate_python(value, strict=True)
    except ValidationError as error:
        problems = [_describe(problem) for problem in error.errors(include_url=False)[:_MOST_PROBLEMS]]
        raise RunError(f"{path} ({what}) is damaged: {'; '.join(problems)}.") from None


def is_pickle(path: Path) -> bool:
    """Return whether a file begins like a pickle or a zip archive of `torch.save`, whatever its name is."""
    try:
        with path.open("rb") as file:
            return file.read(4).startswith(_PICKLES)
    except OSError:
        return False


def _describe(problem: Any) -> str:
    location = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("model_type", "dict_type"):
        message = "an object is needed"
    if problem["type"] == "missing":
        return f"{location} is missing"
    shown = repr(problem["input"])
    shown = shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"
    return f"{location}: {message}, got {shown}" if location else f"{message}, got {shown}"


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key is given twice in one object")
    return values


def _constant(name: str) -> float:
    return float(name) if name.endswith("Infinity") else _refuse(name)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
