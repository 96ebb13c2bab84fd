"""`WholeForm`: a form of which nothing is lost: read to its end, its texts in the charset that it names."""

from __future__ import annotations

import codecs

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartParser

from multimodal.serving.errors import ServiceError
from multimodal.serving.shown_values import short_text

_UTF_8 = b"utf-8"
_LONGEST_NAME = 100


class WholeForm(MultiPartParser):
    """Reads the form in the body of a request.

    Starlette passes over a last field that is cut off, and reads bytes as Latin-1 where they are not of the charset.

    Args:
        request: the body has not been read.
        max_files, max_fields: more are refused.
    """

    def __init__(self, request: Request, *, max_files: int, max_fields: int) -> None:
        super().__init__(request.headers, request.stream(), max_files=max_files, max_fields=max_fields)
        _, parameters = parse_options_header(request.headers["content-type"])
        self._named = parameters.get(b"charset", _UTF_8).decode("latin-1")
        self._ended = False

    def on_part_end(self) -> None:
        """Keep a field; called by the parser.

        Raises:
            ServiceError: it is a text that is not in the charset (400).
        """
        part = self._current_part
        if part.file is None:
            try:
                part.data.decode(self._named)
            except (UnicodeError, LookupError):  # the latter of codecs that Python knows and texts do not use
                name = short_text(part.field_name, _LONGEST_NAME)
                raise ServiceError(400, f"{name}: the bytes are not text in {self._named}; send UTF-8.") from None
        super().on_part_end()

    def on_end(self) -> None:
        """Note the boundary that closes the form; called by the parser."""
        self._ended = True

    async def parse(self) -> FormData:
        """Return the fields.

        Raises:
            ServiceError: the form ends before its closing boundary, a text or the charset is unusable (400).
            MultiPartException: the form cannot be read, or there are more files or fields than are accepted.
        """
        try:
            codecs.lookup(self._named)
        except LookupError:
            named = short_text(self._named, _LONGEST_NAME)
            raise ServiceError(400, f"the charset {named!r} of the Content-Type is not known; send UTF-8.") from None
        form = await super().parse()
        if not self._ended:
            await form.close()
            raise ServiceError(400, "the form is damaged: it ends before its closing boundary; send all of it.")
        return form
