"""Models on the Hugging Face Hub; touched only when a user names one."""

from __future__ import annotations

import re
from pathlib import Path

from data_loaders.errors import RunError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# What lives beside a run folder is a path that was mistyped, not a repository.
_LOCAL_FOLDERS = ("runs", "data", "models", "configs")


def looks_like_hub_id(name: str) -> bool:
    """Return whether `name` has the form `owner/repository` and does not start like a local folder."""
    return bool(_HUB_ID.fullmatch(name)) and name.split("/")[0] not in _LOCAL_FOLDERS and not Path(name).parent.is_dir()


def download_model(hub_id: str) -> Path:
    """Return the local copy of a model repository, downloaded where needed.

    Raises:
        RunError: the repository cannot be downloaded.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub_id, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.model"]))
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RunError(
            f"there is no folder {hub_id!r}, and the Hugging Face Hub gave no model of that name: {reason}"
        ) from error
