"""A System to the Hugging Face Hub, as safetensors, JSON and a model card, and nothing else."""

from __future__ import annotations

from pathlib import Path

from data_loaders import __version__
from data_loaders.command_line import PROGRAM
from data_loaders.errors import RunError, UserError
from multimodal.memory.post_memory import PostMemory
from multimodal.storage.model_files import is_pickle
from multimodal.systems.base import System
from multimodal.systems.hub import is_hub_id
from multimodal.systems.model_card import CardFacts, model_card
from multimodal.systems.model_folder import load_model, save_model

_CARD = "README.md"
_ACCEPTED = (".json", ".safetensors")


def write_upload(folder: Path, facts: CardFacts, system: System, memory: PostMemory, card: str | None = None) -> None:
    """Write what is uploaded of a System, and load it, so that parts that do not fit are refused.

    Args:
        folder: made.
        facts: for the model card, the repository's name among them.
        system: fitted.
        memory: what is uploaded of users' posts; `system.new_memory()` for nothing.
        card: text of the model card; None for a generated one.

    Raises:
        UserError: the name is not one of the Hub.
        RunError: the model cannot be written or loaded, or holds a file that is not uploaded.
    """
    if not is_hub_id(facts.hub_id):
        raise UserError(
            f"to: {facts.hub_id!r} is not a name on the Hugging Face Hub; give owner/name, such as ann/hashtags."
        )
    data = {**facts.data, "folder": Path(str(facts.data.get("folder", ""))).name}
    save_model(folder, system, memory, {"data": data} if facts.data else None)
    load_model(folder)
    (folder / _CARD).write_text(card or model_card(facts, system, memory), encoding="utf-8")
    check_files(folder)


def check_files(folder: Path) -> None:
    """Refuse a folder with files other than safetensors, JSON and the model card.

    Raises:
        RunError: there is one; the message names it.
    """
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != _CARD and (path.suffix not in _ACCEPTED or is_pickle(path)):
            raise RunError(
                f"{name} is not uploaded: models on the Hub are safetensors, JSON and {_CARD}, which cannot run code. "
                "Remove it from the model, or train with an encoder that needs none."
            )


def upload(folder: Path, hub_id: str, *, private: bool = True, revision: str | None = None) -> str:
    """Upload what `write_upload` wrote in one commit that replaces what the repository holds; return where it is.

    The token is that of `hf auth login` or of the environment variable `HF_TOKEN`.

    Args:
        folder: all of it is uploaded.
        hub_id: `owner/name`; made if there is none.
        private: whether a repository that is made is seen by its owner only.
        revision: branch to commit to, made if there is none; None for the main one.

    Raises:
        RunError: the Hub refuses it, or cannot be reached.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # that of its HTTP client

    api = HfApi(library_name=PROGRAM, library_version=__version__)
    try:
        repository = api.create_repo(hub_id, private=private, exist_ok=True)
        if revision is not None:
            api.create_branch(hub_id, branch=revision, exist_ok=True)
        api.upload_folder(
            repo_id=hub_id,
            folder_path=folder,
            commit_message=f"Upload a model of {PROGRAM} {__version__}",
            revision=revision,
            delete_patterns="*",
        )
    except (HTTPError, OSError, ValueError, RuntimeError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise RunError(
            f"the model could not be uploaded to {hub_id!r}: {reason}. Check the name and the network, and that "
            "`hf auth login` or HF_TOKEN gave a token that may write there."
        ) from error
    return str(repository)
