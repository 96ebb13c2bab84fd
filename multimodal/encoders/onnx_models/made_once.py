"""ONNX models of encoders in the user's cache: written when they are first asked for."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import torch

from data_loaders.output_folder import atomic_folder
from multimodal.encoders.base import Encoder
from multimodal.encoders.onnx_models.exporting import export_encoder
from multimodal.encoders.onnx_models.packages import needed
from multimodal.encoders.onnx_models.parity import check_parity
from multimodal.storage.user_cache import user_cache

logger = logging.getLogger(__name__)
_MODEL = "encoder.onnx"


def onnx_model(encoder: Encoder, int8: bool) -> Path:
    """Return the model of an encoder; writing it takes about half a minute for BERT base.

    Args:
        encoder: in fp32, on the CPU.
        int8: whether its products of matrices are in whole numbers of 8 bits, scaled by what comes in.

    Raises:
        UserError: a package is missing.
        RunError: the encoder cannot be written as ONNX, or answers otherwise there.
    """
    kind = f"{encoder.fingerprint()} torch {torch.__version__} {'int8' if int8 else 'fp32'}"
    folder = user_cache() / "onnx" / hashlib.sha256(kind.encode()).hexdigest()[:32]
    if not (folder / _MODEL).is_file():
        logger.info("writing the encoder %r as ONNX to %s", encoder.config.name, folder)
        with atomic_folder(folder) as part:
            exact = part / (f"exact-{_MODEL}" if int8 else _MODEL)
            export_encoder(encoder, exact)
            check_parity(encoder, exact)
            if int8:
                _quantise(exact, part / _MODEL)
                for file in part.glob(f"{exact.name}*"):
                    file.unlink()
    return folder / _MODEL


def _quantise(model: Path, to: Path) -> None:
    quantization = needed("onnxruntime.quantization")
    # Convolutions of dynamic int8 are slower than those in fp32.
    quantization.quantize_dynamic(
        model, to, op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, use_external_data_format=True
    )
