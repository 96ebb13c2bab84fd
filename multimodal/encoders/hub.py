"""Download published weights, only if the configuration asks for it; the local cache is tried first.

The hub's own client retries for 23 s before it gives up (46 s for a tokenizer or timm weights), even for cached files.
Here the cache is read first, and one short request checks whether the hub can be reached.

`option` is the configuration key and value and `help_text` what to do instead, both for error messages.
"""

from __future__ import annotations

import http.client
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlparse

from data_loaders.errors import ConfigError

CONVERT = (
    "If you trust its author, convert it: "
    'python -c "from transformers import AutoModel, AutoTokenizer as T; n = {folder!r}; '
    "AutoModel.from_pretrained(n).save_pretrained('converted'); T.from_pretrained(n).save_pretrained('converted')\""
)
WHERE = "Where to get published weights: docs/getting-started/offline.md."
_TIMEOUT_S = 3.0
_FORGOTTEN_AFTER_S = 30.0
# Hosts that did not answer, when that was noticed, and why: asked for several files, the user waits once.
_SILENT_HOSTS: dict[str, tuple[float, str]] = {}
_TEXT_FILES = ["*.json", "*.txt", "*.model"]


def hub_folder(repository: str, weights: bool, option: str, help_text: str) -> Path:
    """Return a local folder with a hub model's configuration, tokenizer and, if wanted, weights.

    Raises:
        ConfigError: the model does not exist, or is not cached and the hub cannot be reached.
    """
    from huggingface_hub import snapshot_download

    cached = _cached_folder(repository, option, help_text)
    if cached and (cached / "config.json").is_file() and (not weights or _has_weights(cached)):
        return cached
    _require_hub(option, help_text)
    patterns = [*_TEXT_FILES, *(["*.safetensors"] if weights else [])]
    try:
        folder = Path(snapshot_download(repository, allow_patterns=patterns))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{option}: the download from the hub failed: {_one_line(error)} {help_text}") from None
    if weights and not _has_weights(folder):
        raise ConfigError(
            f"{option}: the repository has no safetensors. A pickle (pytorch_model.bin) can run code when it "
            f"is read, so none is downloaded. {CONVERT.format(folder=repository)} {help_text}"
        )
    return folder


def hub_file(repository: str, names: Sequence[str], option: str, help_text: str) -> Path:
    """Return a local copy of the first of `names` that a hub repository has.

    Raises:
        ConfigError: the repository has none of them, or they are not cached and the hub cannot be reached.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    for name in names:
        cached = try_to_load_from_cache(repository, name)
        if isinstance(cached, str):
            return Path(cached)
    _require_hub(option, help_text)
    problem: Exception | None = None
    for name in names:
        try:
            return Path(hf_hub_download(repository, name))
        except (OSError, ValueError) as error:
            problem = error
    raise ConfigError(f"{option}: the download from the hub failed: {_one_line(problem)} {help_text}")


def download(url: str, option: str, help_text: str) -> Path:
    """Return a local copy of a published checkpoint `…-<hash>.pth`, checked by its hash, from torch's hub folder.

    Raises:
        ConfigError: the file is not cached and cannot be downloaded.
    """
    import torch

    name = Path(urlparse(url).path).name
    target = Path(torch.hub.get_dir()) / "checkpoints" / name
    if target.is_file():
        return target
    if _offline():
        raise ConfigError(f"{option}: HF_HUB_OFFLINE is set and {target} does not exist. {help_text}")
    if silent := _why_silent(url):
        raise ConfigError(f"{option}: {url} cannot be downloaded: {silent}. {help_text}")
    digest = Path(name).stem.rpartition("-")[2]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(target), hash_prefix=digest or None)
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"{option}: {url} cannot be downloaded: {_one_line(error)}. {help_text}") from None
    return target


def how_to_fetch(repository: str, *files: str) -> str:
    """Return the sentence that says how to fetch a hub model on another machine."""
    words = ["hf download", repository, *files, "--local-dir", f"weights/{repository.rpartition('/')[2]}"]
    return f"To fetch it where there is a network: {' '.join(words)}"


def _cached_folder(repository: str, option: str, help_text: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise ConfigError(f"{option}: neither a local folder nor a hub id: {_one_line(error)} {help_text}") from None


def _require_hub(option: str, help_text: str) -> None:
    from huggingface_hub import constants

    if _offline():
        raise ConfigError(f"{option}: HF_HUB_OFFLINE is set and it is not in the local cache. {help_text}")
    if silent := _why_silent(constants.ENDPOINT):
        raise ConfigError(
            f"{option}: not in the local cache, and the hub ({constants.ENDPOINT}) cannot be reached: {silent}. "
            f"{help_text}"
        )


def _why_silent(url: str) -> str:
    """Return why a host gives no answer of any kind within a few seconds, or an empty string."""
    host, now = urlparse(url).netloc, time.monotonic()
    when, reason = _SILENT_HOSTS.get(host, (-_FORGOTTEN_AFTER_S, ""))
    if now - when < _FORGOTTEN_AFTER_S:
        return reason
    found: list[str] = []
    # In a thread, because no time limit holds for looking up the address.
    thread = threading.Thread(target=lambda: found.append(_ask(url)), daemon=True)
    thread.start()
    thread.join(_TIMEOUT_S)
    reason = found[0] if found else f"no answer within {_TIMEOUT_S:g} s"
    if reason:
        _SILENT_HOSTS[host] = now, reason
    return reason


def _ask(url: str) -> str:
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_TIMEOUT_S).close()
    except urllib.error.HTTPError:
        return ""  # any answer means that the host can be reached
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _one_line(error).removeprefix("<urlopen error ").removesuffix(">") or type(error).__name__
    return ""


def _offline() -> bool:
    truth = {"1", "on", "yes", "true"}
    return any(os.environ.get(name, "").lower() in truth for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


def _has_weights(folder: Path) -> bool:
    return any(folder.glob("*.safetensors"))


def _one_line(error: Exception | None) -> str:
    return " ".join(str(error).split())
