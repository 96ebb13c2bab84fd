"""How features of frozen encoders are rounded, the same whether they come from the cache or from the encoder."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from data_loaders.errors import RunError

FeaturePrecision: TypeAlias = Literal["fp16", "int8"]
_LARGEST_CODE = 127
_SCALE_BYTES = 2


def stored_type(precision: FeaturePrecision) -> DTypeLike:
    """Return the type of the values that the cache keeps."""
    return np.int8 if precision == "int8" else np.float16


def to_stored(features: Tensor, precision: FeaturePrecision) -> NDArray[np.float16] | NDArray[np.int8]:
    """Return features (…, C) as they are kept: fp16 (…, C), or int8 codes and the two bytes of their scale (…, C + 2).

    The scale of a vector is its largest absolute value / 127, in fp16.

    Raises:
        RunError: int8, and a value is not finite or beyond 127 times the largest fp16 number.
    """
    if precision == "fp16":
        return features.cpu().half().numpy()
    codes, scales = _coded(features)
    if not scales.isfinite().all():
        raise RunError(
            "the encoder returned a value that int8 features cannot represent (not a number, or too large); check its "
            "weights, or turn off the feature cache."
        )
    return torch.cat([codes.to(torch.int8), scales.view(torch.int8)], dim=-1).cpu().numpy()


def from_stored(rows: Tensor) -> Tensor:
    """Return the features (…, C) that were kept as `to_stored` returns them; zeros stay zeros."""
    if rows.dtype != torch.int8:
        return rows
    scales = rows[..., -_SCALE_BYTES:].contiguous().view(torch.float16)
    return rows[..., :-_SCALE_BYTES].float() * scales.float()


def rounded(features: Tensor, precision: FeaturePrecision) -> Tensor:
    """Return features (…, C) in fp32, rounded as the cache rounds them; what is rounded already stays as it is."""
    if precision == "fp16":
        return features.half().float()
    codes, scales = _coded(features)
    return codes * scales.float()


def _coded(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return whole numbers -127..127 (…, C), and their scales in fp16 (…, 1)."""
    exact = features.float()
    scales = (exact.abs().amax(-1, keepdim=True) / _LARGEST_CODE).half()
    codes = (exact / scales.float()).round().clamp(-_LARGEST_CODE, _LARGEST_CODE)
    return torch.where(scales == 0, 0.0, codes), scales
