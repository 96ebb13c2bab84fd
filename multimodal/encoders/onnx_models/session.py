"""`OnnxEncoder`: an encoder's model, run by ONNX Runtime in place of torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from data_loaders.errors import RunError
from multimodal.encoders.onnx_models.packages import needed

_ERRORS = 3


class OnnxEncoder:
    """A model that `export_encoder` wrote; threads may share it, forked processes not.

    Args:
        path: of the model.
        threads: that it may use; None for as many as torch uses.

    Raises:
        UserError: onnxruntime is not installed.
        RunError: the model cannot be read.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._session = _opened(path, threads or torch.get_num_threads())
        self._names = [one.name for one in self._session.get_inputs()]

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Return the output for the inputs of the encoder's `forward`."""
        given = {name: one.numpy() for name, one in zip(self._names, inputs, strict=True)}
        return torch.from_numpy(self._session.run(None, given)[0])


def _opened(path: Path, threads: int) -> Any:
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, _ERRORS
    # Threads that wait by spinning take the processor from those that decode and answer.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions have no common class of their own
        raise RunError(f"{path} cannot be run by ONNX Runtime ({error}); delete it and write it again.") from error
