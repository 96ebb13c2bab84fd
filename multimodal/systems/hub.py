"""Models on the Hugging Face Hub; touched only when a user names one."""

from __future__ import annotations

import re
from pathlib import Path

from data_loaders.errors import RunError
from multimodal.storage.hub_names import looks_like_path, two_readings

# What a model folder holds, tokenizers of the transformers library included; no pickles, no code.
_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.codes"]
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def is_hub_id(name: str) -> bool:
    """Return whether `name` has the form `owner/repository`."""
    return bool(_HUB_ID.fullmatch(name))


def looks_like_hub_id(name: str) -> bool:
    """Return whether `name` has the form `owner/repository`, or `…@revision`, and does not look like a path."""
    repository, _, _ = name.partition("@")
    return is_hub_id(repository) and not looks_like_path(repository)


def download_model(hub_id: str, revision: str | None = None, local_files_only: bool = False) -> Path:
    """Return the local copy of a model repository, downloaded where needed.

    Args:
        hub_id: `owner/repository` or `owner/repository@revision`.
        revision: branch, tag or commit; None for the one in the name, or the main branch.
        local_files_only: ask no network: what was downloaded before, or nothing.

    Raises:
        RunError: the repository cannot be downloaded, or two revisions are named.
    """
    from huggingface_hub import snapshot_download

    repository, _, named = hub_id.partition("@")
    if revision and named and revision != named:
        raise RunError(f"{hub_id!r} names the revision {named!r}, and {revision!r} is given too; give one of them.")
    try:
        return Path(
            snapshot_download(
                repository,
                revision=revision or named or None,
                local_files_only=local_files_only,
                allow_patterns=_FILES,
            )
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RunError(
            f"there is no folder {hub_id!r}, and the Hugging Face Hub gave no model of that name: {reason}. "
            f"{two_readings(hub_id)} To fetch it where there is a network: hf download {repository} --local-dir "
            f"models/{repository.rpartition('/')[2]}"
        ) from error
