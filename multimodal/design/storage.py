"""Saving and loading the learned state of DESIGN."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from safetensors.torch import save_file

from multimodal.design.config import DesignConfig
from multimodal.design.network import DesignNetwork
from multimodal.encoders import CaptionEncoder, ImageEncoder, load_caption_encoder
from multimodal.memory.search.caption_vectors import SLOTS, CaptionVectors
from multimodal.storage.array_files import ArrayForm, load_arrays
from multimodal.storage.model_files import Number, read_json_as
from multimodal.storage.run_folder import write_atomically, write_json
from multimodal.systems.post_networks.files import NetworkState, load_network, save_network

STATE_FILE, TERMS_FILE = "design.json", "caption_terms.safetensors"
SENTENCES_FOLDER = "sentence_encoder"


class _State(NetworkState):
    alpha: Annotated[Number, Field(ge=0, le=1)]
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
    state: dict[str, float | bool] = {"alpha": parts.alpha, **save_network(folder, network)}
    if terms is not None:
        idf = torch.from_numpy(terms.idf)
        write_atomically(folder / TERMS_FILE, lambda path: save_file({"idf": idf}, path))
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
    terms = None
    if with_terms:
        form = ArrayForm("float32", (SLOTS,), 0)
        idf = load_arrays(folder / TERMS_FILE, "weights of caption terms", {"idf": form})["idf"]
        terms = CaptionVectors(idf, config.history.bigrams)

    def make(caption: CaptionEncoder | None, image: ImageEncoder | None) -> DesignNetwork:
        return DesignNetwork(config, vocabulary_size, caption, image)

    network = load_network(folder, state, make)
    sentences = load_caption_encoder(folder / SENTENCES_FOLDER) if state.sentence_encoder else None
    return Parts(network, float(state.alpha), terms, sentences)
