"""Models on the Hugging Face Hub; touched only when a user names one."""

from __future__ import annotations

import re
from pathlib import Path

from data_loaders.errors import RunError
from multimodal.storage.hub_names import looks_like_path, two_readings

# What a model folder holds, tokenizers of the transformers library included; no pickles, no code.
_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.codes"]
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def looks_like_hub_id(name: str) -> bool:
    """Return whether `name` has the form `owner/repository` and does not look like a path."""
    return bool(_HUB_ID.fullmatch(name)) and not looks_like_path(name)


def download_model(hub_id: str) -> Path:
    """Return the local copy of a model repository, downloaded where needed.

    Raises:
        RunError: the repository cannot be downloaded.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub_id, allow_patterns=_FILES))
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RunError(
            f"there is no folder {hub_id!r}, and the Hugging Face Hub gave no model of that name: {reason}. "
            f"{two_readings(hub_id)} To fetch it where there is a network: hf download {hub_id} --local-dir "
            f"models/{hub_id.rpartition('/')[2]}"
        ) from error
