"""`export_encoder`: an encoder as an ONNX model, for any number of posts and any length of captions."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from data_loaders.errors import RunError
from multimodal.encoders.base import CaptionEncoder, Encoder, ImageEncoder
from multimodal.encoders.onnx_models.packages import needed

# Sizes 0 and 1 would be taken for constants of the model.
_POSTS, _TOKENS = 3, 5


def export_encoder(encoder: Encoder, path: Path) -> None:
    """Write an encoder as an ONNX model, its weights beside it in `<name>.data`.

    Inputs and output are those of `forward`: `token_ids` and `mask`, or `pixels`; `words` or `regions`.

    Args:
        encoder: in fp32, on the CPU.
        path: of the model, `….onnx`.

    Raises:
        UserError: a package is missing.
        RunError: the encoder cannot be written as ONNX.
    """
    needed("onnxscript")
    inputs, output = example_inputs(encoder, _POSTS, _TOKENS), output_name(encoder)
    sizes = {name: dict.fromkeys(_open(encoder), torch.export.Dim.DYNAMIC) for name in inputs}
    try:
        with torch.no_grad(), _computing(encoder), _without_fast_path(), _quietly():
            program = torch.onnx.export(
                encoder,
                tuple(inputs.values()),
                dynamo=True,
                dynamic_shapes=sizes,
                input_names=[*inputs],
                output_names=[output],
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise RunError(
            f"the encoder {encoder.config.name!r} cannot be written as ONNX ({type(error).__name__}); compute by "
            "torch: fp32 or bf16."
        ) from error
    if program is None:
        raise RunError(f"the encoder {encoder.config.name!r} cannot be written as ONNX.")
    program.save(path, external_data=True)


def example_inputs(encoder: Encoder, posts: int, tokens: int, seed: int = 0) -> dict[str, Tensor]:
    """Return inputs for an encoder by name: captions of 1 to so many tokens, or pictures of noise.

    Raises:
        RunError: it is neither a caption nor an image encoder.
    """
    draw = torch.Generator().manual_seed(seed)
    if isinstance(encoder, CaptionEncoder):
        known = torch.tensor(sorted({int(one) for ids in encoder.tokenise(["a b c", "1 2"]) for one in ids}))
        ids = known[torch.randint(len(known), (posts, tokens), generator=draw)]
        lengths = torch.randint(1, tokens + 1, (posts,), generator=draw)
        lengths[0] = tokens
        mask = torch.arange(tokens) < lengths[:, None]
        return {"token_ids": ids.masked_fill(~mask, encoder.pad_id), "mask": mask}
    if isinstance(encoder, ImageEncoder):
        size = encoder.preprocessing.size_px
        return {"pixels": torch.randint(0, 256, (posts, 3, size, size), generator=draw).to(torch.uint8)}
    raise RunError(f"{type(encoder).__name__} encodes neither captions nor pictures.")


def output_name(encoder: Encoder) -> str:
    """Return the name of the output of an encoder's model."""
    return "words" if isinstance(encoder, CaptionEncoder) else "regions"


def _open(encoder: Encoder) -> tuple[int, ...]:
    """Return which dimensions of the inputs may have any size."""
    return (0, 1) if isinstance(encoder, CaptionEncoder) else (0,)


@contextmanager
def _computing(encoder: Encoder) -> Iterator[None]:
    """Let an encoder compute by torch, and whatever it is asked."""
    before = encoder.training, encoder.kept, encoder.backend
    encoder.eval()
    encoder.kept = encoder.backend = None
    try:
        yield
    finally:
        encoder.kept, encoder.backend = before[1:]
        encoder.train(before[0])


@contextmanager
def _without_fast_path() -> Iterator[None]:
    # Torch's own kernel for a whole transformer layer has no counterpart in ONNX.
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


@contextmanager
def _quietly() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.__trace", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
