"""`AnswerCache`: answers on disk, by the content of the question."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_loaders.errors import RunError
from multimodal.storage.model_files import Form, checked
from multimodal.storage.run_folder import read_json, write_json


class _Kept(Form):
    text: str


class AnswerCache:
    """Answers of an endpoint, a small file each, named by the SHA-256 of URL and question; the question is not kept.

    Args:
        folder: made when the first answer is kept; None keeps nothing.
        url: of the endpoint.
    """

    def __init__(self, folder: Path | None, url: str) -> None:
        self._folder, self._url = folder, url

    def find(self, body: Mapping[str, Any]) -> str | None:
        """Return the text that answered a question, None if there is none or its file is damaged."""
        path = self._path(body)
        if path is None or not path.is_file():
            return None
        try:
            return checked(path, "answer", read_json(path, "answer"), _Kept).text
        except RunError:
            # It is asked again, and the file is rewritten.
            return None

    def keep(self, body: Mapping[str, Any], text: str) -> None:
        """Keep an answer.

        Raises:
            RunError: the disk is full or the folder cannot be written.
        """
        path = self._path(body)
        if path is not None:
            write_json(path, {"text": text})

    def _path(self, body: Mapping[str, Any]) -> Path | None:
        if self._folder is None:
            return None
        name = hashlib.sha256(json.dumps([self._url, body], sort_keys=True).encode()).hexdigest()
        return self._folder / name[:2] / f"{name}.json"
