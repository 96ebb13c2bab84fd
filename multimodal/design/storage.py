"""Writing what DESIGN has learned, and reading it back."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from data_loaders.errors import RunError
from multimodal.design.config import DesignConfig
from multimodal.design.network import DesignNetwork
from multimodal.encoders import load_caption_encoder, load_image_encoder
from multimodal.memory.caption_search import SLOTS, CaptionVectors
from multimodal.storage.run_folder import read_json, write_atomically, write_json

NETWORK_FILE, STATE_FILE, TERMS_FILE = "network.safetensors", "design.json", "caption_terms.safetensors"
_ENCODERS = ("caption_encoder.", "image_encoder.")


def save_parts(folder: Path, network: DesignNetwork, alpha: float, terms: CaptionVectors | None) -> None:
    """Write network, encoders, the weight of the heads and what is known of caption terms.

    Raises:
        RunError: a file cannot be written.
    """
    own = {
        key: value.detach().cpu().contiguous()
        for key, value in network.state_dict().items()
        if not key.startswith(_ENCODERS)
    }
    write_atomically(folder / NETWORK_FILE, lambda path: save_file(own, path))
    if network.caption_encoder is not None:
        network.caption_encoder.save(folder / "caption_encoder")
    if network.image_encoder is not None:
        network.image_encoder.save(folder / "image_encoder")
    if terms is not None:
        idf = torch.from_numpy(terms.idf)
        write_atomically(folder / TERMS_FILE, lambda path: save_file({"idf": idf}, path))
    state = {
        "alpha": alpha,
        "caption_encoder": network.caption_encoder is not None,
        "image_encoder": network.image_encoder is not None,
    }
    write_json(folder / STATE_FILE, state)


def load_parts(
    folder: Path, config: DesignConfig, vocabulary_size: int, with_terms: bool
) -> tuple[DesignNetwork, float, CaptionVectors | None]:
    """Read what `save_parts` wrote; the network is in evaluation mode.

    Raises:
        RunError: a file is missing, damaged, or does not fit the configuration.
    """
    state = read_json(folder / STATE_FILE, "settings of DESIGN")
    lacking = [key for key in ("alpha", "caption_encoder", "image_encoder") if key not in state]
    if lacking:
        raise RunError(f"{folder / STATE_FILE} (settings of DESIGN) lacks {', '.join(lacking)}; train again.")
    caption = load_caption_encoder(folder / "caption_encoder") if state["caption_encoder"] else None
    image = load_image_encoder(folder / "image_encoder") if state["image_encoder"] else None
    terms = None
    if with_terms:
        terms = CaptionVectors(_load(folder / TERMS_FILE, {"idf": (SLOTS,)})["idf"].numpy())
    network = DesignNetwork(config, vocabulary_size, caption, image)
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items() if not key.startswith(_ENCODERS)}
    network.load_state_dict(_load(folder / NETWORK_FILE, shapes), strict=False)
    network.eval()
    return network, float(state["alpha"]), terms


def _load(path: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Read tensors that must be just these."""
    try:
        found = load_file(path)
    except (OSError, SafetensorError) as error:
        raise RunError(f"{path} cannot be read ({error}); train again or restore the file.") from error
    problems = [f"{key} is missing" for key in shapes if key not in found]
    problems += [f"{key} is not known" for key in found if key not in shapes]
    problems += [
        f"{key} is {tuple(found[key].shape)}, not {shape}"
        for key, shape in shapes.items()
        if key in found and tuple(found[key].shape) != shape
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise RunError(f"{path} does not fit its configuration: {'; '.join(problems[:3])}{more}. Train again.")
    return found
