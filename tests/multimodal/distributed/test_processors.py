import os

import pytest
import torch

from multimodal.distributed import processors as module
from multimodal.distributed.processors import answers_at_once, processors


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "nonsense"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_limits_of_containers(tmp_path, files, limit):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert processors(tmp_path) == (own if limit is None else min(own, limit))


@pytest.mark.parametrize(("own", "torchs", "expected"), [(8, 2, 4), (7, 2, 3), (2, 2, 1), (1, 4, 1)])
def test_as_many_answers_as_there_are_processors_for(monkeypatch, own, torchs, expected):
    monkeypatch.setattr(module, "processors", lambda: own)
    monkeypatch.setattr(torch, "get_num_threads", lambda: torchs)
    assert answers_at_once() == expected
