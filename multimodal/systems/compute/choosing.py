"""Which way of computing a model takes here, kept in the user's cache per processor, never with the model."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from data_loaders.errors import RunError, UserError
from data_loaders.posts import Post
from multimodal.storage.model_files import Form, read_json_as
from multimodal.storage.run_folder import write_json
from multimodal.storage.user_cache import user_cache
from multimodal.systems.base import Precision
from multimodal.systems.compute.names import Compute, Way, check_compute
from multimodal.systems.compute.probing import Probe, probe
from multimodal.systems.compute.processor import describe_processor, processor_key
from multimodal.systems.model_folder import find_model

logger = logging.getLogger(__name__)
_INFO = "model.json"


class _Choice(Form):
    chosen: Way


def way_of(path: str | Path, compute: Compute | None, precision: Precision, device: torch.device) -> Way:
    """Return the way of computing that a caller asks for.

    Args:
        path: of the model.
        compute: a way, or `auto`: on a CPU the one that the probe of this processor chose, which runs now if it never
            did, else fp32; None for what `precision` says.
        precision: fp32 where `compute` is given.
        device: where the model will run.

    Raises:
        UserError: `compute` is unknown, or both are given.
    """
    check_compute(compute)
    if compute is None:
        return precision
    if precision != "fp32":
        raise UserError(f"compute: {compute} and precision={precision} contradict each other; give one of them.")
    if compute != "auto":
        return compute
    return chosen_way(path) if device.type == "cpu" else "fp32"


def chosen_way(path: str | Path) -> Way:
    """Return the way that the probe chose for a model on this processor; probes now if it never did."""
    file = _file(path)
    if file.is_file():
        try:
            return read_json_as(file, "choice of the way to compute", _Choice).chosen
        except RunError as error:
            logger.warning("warning: %s Probing again.", error)
    return probe_and_keep(path).chosen


def probe_and_keep(path: str | Path, posts: Sequence[Post] | None = None) -> Probe:
    """Probe this processor with a model and keep what is found, see `probe`; a cache that cannot be written is told."""
    found = probe(path, posts)
    kept: dict[str, Any] = {"chosen": found.chosen, "posts": found.posts, "drawn": posts is None}
    kept |= {"model": str(path), "tried": [asdict(one) for one in found.tried], "processor": describe_processor()}
    try:
        write_json(_file(path), kept)
    except RunError as error:
        logger.warning("warning: what the probe found is not kept: %s", error)
    return found


def kept_choice(path: str | Path) -> Path | None:
    """Return the file with the choice for a model on this processor; None before the first probe."""
    file = _file(path)
    return file if file.is_file() else None


def _file(path: str | Path) -> Path:
    # It lists the checksums of all other files of the model.
    model = hashlib.sha256((find_model(path) / _INFO).read_bytes()).hexdigest()[:16]
    return user_cache() / "compute" / processor_key(describe_processor()) / f"{model}.json"
