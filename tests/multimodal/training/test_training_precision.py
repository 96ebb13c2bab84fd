"""What `precision: auto` stands for on machines of every kind."""

from __future__ import annotations

import pytest
import torch

from multimodal.storage.run_folder import RunFolder
from multimodal.training.config import TrainingConfig
from multimodal.training.precision import resolved_precision
from multimodal.training.trainer import Trainer


class OneWeight:
    """The least that `Trainer` takes."""

    def __init__(self):
        self.module = torch.nn.Linear(1, 1)

    def parameter_groups(self):
        return [{"params": list(self.module.parameters())}]

    def batches(self, epoch):
        return [[0]]


@pytest.fixture
def processor(monkeypatch):
    """Set what the processor can do, on a machine without a GPU."""

    def can(*instructions):
        names = dict.fromkeys(instructions, True)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, **names}, raising=False)

    return can


@pytest.mark.parametrize("precision", ["no", "bf16", "fp16"])
def test_what_is_asked_for_is_taken(precision, processor):
    processor()
    assert resolved_precision(precision) == precision


@pytest.mark.parametrize("instruction", ["avx512_bf16", "amx_bf16", "bf16", "sve_bf16"])
def test_a_processor_with_bf16(instruction, processor):
    processor("avx512_f", instruction)
    assert resolved_precision("auto") == "bf16"


def test_a_processor_that_would_imitate_it(processor):
    processor("avx512_f", "avx512_vnni", "amx_int8")
    assert resolved_precision("auto") == "no"


@pytest.mark.parametrize(("supported", "expected"), [(True, "bf16"), (False, "no")])
def test_a_gpu_decides_where_there_is_one(supported, expected, monkeypatch, processor):
    processor(*([] if supported else ["amx_bf16"]))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: supported)
    assert resolved_precision("auto") == expected


@pytest.mark.parametrize(("instructions", "expected"), [(["avx512_bf16"], "bf16"), ([], "no")])
def test_the_trainer_resolves_it(instructions, expected, processor, tmp_path):
    processor(*instructions)
    trainer = Trainer(OneWeight(), TrainingConfig(precision="auto"), RunFolder(tmp_path), seed=0)
    assert trainer.accelerator.mixed_precision == expected
