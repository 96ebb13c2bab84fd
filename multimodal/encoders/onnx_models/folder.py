"""`export_encoders`: the encoders of a System as ONNX models in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data_loaders.errors import DataError, RunError
from data_loaders.output_folder import atomic_folder
from multimodal.encoders.base import Encoder
from multimodal.encoders.onnx_models.exporting import export_encoder, output_name
from multimodal.encoders.onnx_models.parity import check_parity


def export_encoders(encoders: Sequence[Encoder], folder: Path) -> dict[str, float]:
    """Write encoders, each compared with torch; `words.onnx` and `regions.onnx`, numbered where there are several.

    Args:
        encoders: of a System, in fp32, on the CPU.
        folder: new or empty.

    Returns:
        How much each file differs from torch, see `largest_difference`.

    Raises:
        RunError: there are no encoders, or one cannot be written as ONNX; nothing is written then.
        DataError: the folder holds something.
        UserError: a package is missing.
    """
    if not encoders:
        raise RunError("the model has no encoders that could be written as ONNX.")
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise DataError(f"output {folder} is not empty; give a new folder.")
    differences: dict[str, float] = {}
    with atomic_folder(folder) as part:
        for encoder in encoders:
            name = output_name(encoder)
            names = [f"{name}.onnx", *(f"{name}_{number}.onnx" for number in range(2, len(encoders) + 1))]
            file = next(one for one in names if one not in differences)
            export_encoder(encoder, part / file)
            differences[file] = check_parity(encoder, part / file)
    return differences
