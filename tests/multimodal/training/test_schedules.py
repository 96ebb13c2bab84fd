"""Learning-rate schedules: cases by hand, bounds, and that of transformers."""

from __future__ import annotations

import math

import pytest
import torch

from multimodal.training.schedules import rate_factor


class TestWarmupCosine:
    def test_rises_in_a_line_and_falls_in_a_cosine(self):
        factor = rate_factor("cosine", 0.2, 20)
        assert [factor(step) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
        assert [factor(step) for step in (4, 12, 20)] == pytest.approx([1.0, 0.5, 0.0])
        assert factor(8) == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))

    @pytest.mark.parametrize("schedule", ["cosine", "linear"])
    def test_never_leaves_the_unit_interval_and_starts_above_0(self, schedule):
        for warmup in (0.0, 0.06, 0.5, 1.0):
            for steps in (1, 2, 7):
                factors = [rate_factor(schedule, warmup, steps)(step) for step in range(steps + 3)]
                assert 0 < factors[0] <= 1
                assert all(0 <= factor <= 1 for factor in factors)


class TestWarmupLinear:
    def test_equals_that_of_transformers(self):
        from transformers import get_linear_schedule_with_warmup

        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        theirs = get_linear_schedule_with_warmup(optimiser, num_warmup_steps=4, num_training_steps=20).lr_lambdas[0]
        ours = rate_factor("linear", 0.2, 20)
        # Theirs spends its first step at rate 0; ours starts one step further up.
        assert [ours(step) for step in range(4)] == [theirs(step + 1) for step in range(4)]
        assert [ours(step) for step in range(4, 23)] == pytest.approx([theirs(step) for step in range(4, 23)])


def test_a_constant_rate_rises_and_stays():
    factor = rate_factor("constant", 0.2, 10)
    assert [factor(step) for step in range(6)] == [0.5, 1, 1, 1, 1, 1]
    assert rate_factor("constant", 0.0, 10)(0) == 1
