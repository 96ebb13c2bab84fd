"""F1@K from hits per post against a loop."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest

from multimodal.training.validation_f1 import f1_of_hits


def test_it_is_the_f1_of_mean_precision_and_mean_recall():
    hits, sizes, k = [2, 0, 1, 3], [4, 1, 1, 3], 5
    precision = fmean(hit / k for hit in hits)
    recall = fmean(hit / size for hit, size in zip(hits, sizes, strict=True))
    assert float(f1_of_hits(hits, sizes, k)) == pytest.approx(2 * precision * recall / (precision + recall))


def test_every_setting_has_its_own():
    hits = np.random.default_rng(0).integers(0, 4, (9, 3))
    sizes = np.arange(4, 13)
    together = f1_of_hits(hits, sizes, 5)
    assert together.tolist() == [pytest.approx(float(f1_of_hits(hits[:, one], sizes, 5))) for one in range(3)]


def test_nothing_is_worth_nothing():
    assert float(f1_of_hits([0, 0], [1, 2], 5)) == 0
    assert f1_of_hits(np.zeros((0, 3)), [], 5).tolist() == [0, 0, 0]
