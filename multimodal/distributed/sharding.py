"""Encoders too large for one device: weights, gradients and optimiser state in shares, one for each process (FSDP2).

Zhao et al. 2023, arXiv 2304.11277; PyTorch's `fully_shard`. Every process holds its share of every matrix and gathers
a layer when it is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from torch import Tensor, nn

from multimodal.distributed.processes import process_count

LARGE_ENCODER = 1_000_000_000
"""Parameters from which on a trained encoder is sharded, unless the configuration says otherwise."""


class ShardedEncoders:
    """The encoders of a network whose weights are divided among the processes.

    Args:
        network: holds the encoders; its own weights stay whole and are averaged by DDP.
        names: attributes of the network.
    """

    def __init__(self, network: nn.Module, names: list[str]) -> None:
        self._network = network
        self._whole = {name: deepcopy(getattr(network, name)) for name in names}
        for name in names:
            _shard(getattr(network, name))

    def __bool__(self) -> bool:
        return bool(self._whole)

    def averaged(self, module: nn.Module) -> nn.Module:
        """Return the network with the gradients of its other weights averaged, which accelerate leaves out then."""
        if not self._whole:
            return module
        from torch.nn.parallel import DistributedDataParallel

        ignore: Any = DistributedDataParallel._set_params_and_buffers_to_ignore_for_model
        ignore(module, [name for name, parameter in module.named_parameters() if _is_sharded(parameter)])
        return DistributedDataParallel(module, find_unused_parameters=True)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep the weights whole while a block runs, so that processes may compute different numbers of batches."""
        parts = [part for name in self._whole for part in _sharded_parts(getattr(self._network, name))]
        for part in parts:
            part.set_reshard_after_forward(False, recurse=False)
            part.unshard()
        try:
            yield
        finally:
            for part in parts:
                part.set_reshard_after_forward(True, recurse=False)
                part.reshard()

    def restore(self) -> None:
        """Put whole encoders with the learned weights in the place of the sharded ones."""
        for name, encoder in self._whole.items():
            encoder.load_state_dict(whole(getattr(self._network, name).state_dict()))
            encoder.to(next(self._network.parameters()).device).train(self._network.training)
            setattr(self._network, name, encoder)
        self._whole = {}


def is_sharded(module: nn.Module) -> bool:
    """Return whether the weights of a module are divided among processes, all of which then have to call it."""
    return any(map(_is_sharded, module.parameters()))


def whole(values: Any) -> Any:
    """Return values in mappings and lists with every sharded tensor whole; all processes have to call it."""
    if isinstance(values, Mapping):
        return {key: whole(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return type(values)(whole(value) for value in values)
    return values.full_tensor() if _is_sharded(values) else values


def placed(value: Tensor, like: Tensor) -> Tensor:
    """Return this process's share of a whole tensor, as another tensor is divided; all of it if that one is whole."""
    if not _is_sharded(like) or value.dim() == 0:
        return value
    from torch.distributed.tensor import distribute_tensor

    sharded: Any = like
    return distribute_tensor(value.to(like.device), sharded.device_mesh, sharded.placements)


def to_shard(encoders: Mapping[str, nn.Module], wanted: bool | None) -> list[str]:
    """Return which encoders are sharded: none in a single process, and none that is frozen.

    Args:
        encoders: those that are trained, by name.
        wanted: all of them, or none; None for those of at least `LARGE_ENCODER` parameters.
    """
    if process_count() == 1 or wanted is False:
        return []
    sizes = {name: sum(one.numel() for one in encoder.parameters()) for name, encoder in encoders.items()}
    return [name for name, size in sizes.items() if wanted or size >= LARGE_ENCODER]


def _shard(encoder: nn.Module) -> None:
    from torch.distributed.fsdp import fully_shard

    layers = [part for part in encoder.modules() if isinstance(part, (nn.ModuleList, nn.Sequential))]
    outermost = max(layers, key=lambda part: sum(one.numel() for one in part.parameters()), default=None)
    for layer in outermost or ():
        if any(True for _ in layer.parameters()):
            fully_shard(layer)
    fully_shard(encoder)


def _sharded_parts(encoder: nn.Module) -> list[Any]:
    from torch.distributed.fsdp import FSDPModule

    return [part for part in encoder.modules() if isinstance(part, FSDPModule)]


def _is_sharded(value: Any) -> bool:
    return isinstance(value, Tensor) and hasattr(value, "full_tensor")
