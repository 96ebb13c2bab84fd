"""Saving and loading the learned state of DESIGN."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from safetensors.torch import save_file
from torch import Tensor

from multimodal.design.config import DesignConfig
from multimodal.design.network import DesignNetwork
from multimodal.encoders import CaptionEncoder, load_caption_encoder, load_image_encoder
from multimodal.encoders.storage import check_tensors, read_tensors, without_memory
from multimodal.memory.search.caption_vectors import SLOTS, CaptionVectors
from multimodal.storage.array_files import ArrayForm, load_arrays
from multimodal.storage.model_files import Form, Number, read_json_as
from multimodal.storage.run_folder import write_atomically, write_json

NETWORK_FILE, STATE_FILE, TERMS_FILE = "network.safetensors", "design.json", "caption_terms.safetensors"
SENTENCES_FOLDER = "sentence_encoder"
_ENCODERS = ("caption_encoder.", "image_encoder.")


class _State(Form):
    alpha: Annotated[Number, Field(ge=0, le=1)]
    caption_encoder: bool
    image_encoder: bool
    sentence_encoder: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """What a DESIGN consists of.

    Attributes:
        network: in evaluation mode after loading.
        alpha: weight of the multilabel head, 0..1.
        terms: compares the words of captions; None where they are not compared.
        sentences: the encoder of `history.encoder`; None without.
    """

    network: DesignNetwork
    alpha: float
    terms: CaptionVectors | None
    sentences: CaptionEncoder | None


def save_parts(folder: Path, parts: Parts) -> None:
    """Save network, encoders, the weight of the heads and the weights of caption terms.

    Raises:
        RunError: a file cannot be written.
    """
    network, terms, sentences = parts.network, parts.terms, parts.sentences
    weights = {key: value.detach().cpu().contiguous() for key, value in _without_encoders(network).items()}
    write_atomically(folder / NETWORK_FILE, lambda path: save_file(weights, path))
    if network.caption_encoder is not None:
        network.caption_encoder.save(folder / "caption_encoder")
    if network.image_encoder is not None:
        network.image_encoder.save(folder / "image_encoder")
    if terms is not None:
        idf = torch.from_numpy(terms.idf)
        write_atomically(folder / TERMS_FILE, lambda path: save_file({"idf": idf}, path))
    state = {
        "alpha": parts.alpha,
        "caption_encoder": network.caption_encoder is not None,
        "image_encoder": network.image_encoder is not None,
    }
    if sentences is not None:
        sentences.save(folder / SENTENCES_FOLDER)
        state["sentence_encoder"] = True
    write_json(folder / STATE_FILE, state)


def load_parts(folder: Path, config: DesignConfig, vocabulary_size: int, with_terms: bool) -> Parts:
    """Load what `save_parts` saved; the network is in evaluation mode.

    Raises:
        RunError: a file is missing, damaged, or does not fit the configuration.
    """
    state = read_json_as(folder / STATE_FILE, "settings of DESIGN", _State)
    caption = load_caption_encoder(folder / "caption_encoder") if state.caption_encoder else None
    image = load_image_encoder(folder / "image_encoder") if state.image_encoder else None
    terms = None
    if with_terms:
        form = ArrayForm("float32", (SLOTS,), 0)
        idf = load_arrays(folder / TERMS_FILE, "weights of caption terms", {"idf": form})["idf"]
        terms = CaptionVectors(idf, config.history.bigrams)
    with without_memory():
        expected = _without_encoders(DesignNetwork(config, vocabulary_size, caption, image))
    check_tensors(folder / NETWORK_FILE, expected)
    network = DesignNetwork(config, vocabulary_size, caption, image)
    network.load_state_dict(read_tensors(folder / NETWORK_FILE, _without_encoders(network)), strict=False)
    network.eval()
    sentences = load_caption_encoder(folder / SENTENCES_FOLDER) if state.sentence_encoder else None
    return Parts(network, float(state.alpha), terms, sentences)


def _without_encoders(network: DesignNetwork) -> dict[str, Tensor]:
    return {key: value for key, value in network.state_dict().items() if not key.startswith(_ENCODERS)}
