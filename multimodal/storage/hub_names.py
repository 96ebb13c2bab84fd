"""Tell the name of a model on the Hugging Face Hub from a path."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from data_loaders.errors import nearest, some_of

# What lives in such a folder, or beside one that exists, is a path that was mistyped, not a repository.
_LOCAL_FOLDERS = ("checkpoints", "configs", "data", "models", "pretrained", "runs", "weights")
_FILE = re.compile(r"\.(bin|ckpt|json|onnx|pt|pth|safetensors|zip)", re.IGNORECASE)


def looks_like_path(name: str) -> bool:
    """Return whether a name that does not exist here must be a mistyped path: the hub is not asked for it.

    >>> [looks_like_path(name) for name in ("weights/bert", "~/bert", "bert.pth", "google-bert/bert", "bert")]
    [True, True, True, False, False]
    """
    first, *others = re.split(r"[/\\]", name)
    if not others:
        return name.startswith((".", "~")) or bool(_FILE.fullmatch(Path(name).suffix))
    # An absolute path starts with an empty part, and a folder may be given with an empty last one.
    if len(others) > 1 or not (first and others[0]) or first[0] in ".~" or ":" in first or "\\" in name:
        return True
    return first.lower() in _LOCAL_FOLDERS or bool(_similar_folders(first))


def two_readings(name: str) -> str:
    """Return what to do about a name that is not a folder here and may be one on the hub, whichever was meant."""
    near = _did_you_mean(Path(name))
    return (
        f"{name!r} is not a folder in {str(Path.cwd())!r}: if one was meant, correct the path.{near} If a model on the "
        "Hugging Face Hub was meant, check its name and the network."
    )


def what_is_there(path: Path) -> str:
    """Return a sentence that names what lies where a path does not exist, or an empty string."""
    if not path.parent.is_dir():
        return f" There is no folder {str(path.parent)!r} either.{_did_you_mean(path.parent)}"
    names = sorted(entry.name for entry in path.parent.iterdir() if not entry.name.startswith("."))
    return f"{_did_you_mean(path)} {str(path.parent)!r} holds {some_of(names) or 'nothing'}."


def _did_you_mean(path: Path) -> str:
    return nearest(path.name, [entry.name for entry in path.parent.iterdir()]) if path.parent.is_dir() else ""


def _similar_folders(name: str) -> list[str]:
    folders = [entry.name for entry in Path().iterdir() if entry.is_dir()]
    return get_close_matches(name, folders, n=1, cutoff=0.75)
