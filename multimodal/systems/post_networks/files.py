"""The weights of a `PostNetwork` and its encoders in a model folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from safetensors.torch import save_file
from torch import Tensor

from multimodal.encoders import CaptionEncoder, ImageEncoder, load_caption_encoder, load_image_encoder
from multimodal.encoders.storage import check_tensors, read_tensors, without_memory
from multimodal.storage.model_files import Form
from multimodal.storage.run_folder import write_atomically
from multimodal.systems.post_networks.network import ENCODERS, PostNetwork

NetworkType = TypeVar("NetworkType", bound=PostNetwork)
NETWORK_FILE = "network.safetensors"
_CAPTION_FOLDER, _IMAGE_FOLDER = "caption_encoder", "image_encoder"


class NetworkState(Form):
    """Which encoders a saved network has."""

    caption_encoder: bool
    image_encoder: bool


def save_network(folder: Path, network: PostNetwork) -> dict[str, bool]:
    """Save the weights of a network and its encoders; return the values of its `NetworkState`.

    Raises:
        RunError: a file cannot be written.
    """
    weights = {key: value.detach().cpu().contiguous() for key, value in _without_encoders(network).items()}
    write_atomically(folder / NETWORK_FILE, lambda path: save_file(weights, path))
    if network.caption_encoder is not None:
        network.caption_encoder.save(folder / _CAPTION_FOLDER)
    if network.image_encoder is not None:
        network.image_encoder.save(folder / _IMAGE_FOLDER)
    return {
        "caption_encoder": network.caption_encoder is not None,
        "image_encoder": network.image_encoder is not None,
    }


def load_network(
    folder: Path, state: NetworkState, make: Callable[[CaptionEncoder | None, ImageEncoder | None], NetworkType]
) -> NetworkType:
    """Load what `save_network` saved, in evaluation mode.

    Args:
        folder: of the model.
        state: which encoders there are.
        make: makes the network around its encoders.

    Raises:
        RunError: a file is missing, damaged, or does not fit the network.
    """
    caption = load_caption_encoder(folder / _CAPTION_FOLDER) if state.caption_encoder else None
    image = load_image_encoder(folder / _IMAGE_FOLDER) if state.image_encoder else None
    with without_memory():
        expected = _without_encoders(make(caption, image))
    check_tensors(folder / NETWORK_FILE, expected)
    network = make(caption, image)
    network.load_state_dict(read_tensors(folder / NETWORK_FILE, _without_encoders(network)), strict=False)
    network.eval()
    return network


def _without_encoders(network: PostNetwork) -> dict[str, Tensor]:
    return {key: value for key, value in network.state_dict().items() if not key.startswith(ENCODERS)}
