"""Features as the cache keeps them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data_loaders.errors import RunError
from multimodal.encoders.features.rounding import from_stored, rounded, stored_type, to_stored

VALUES = arrays(np.float32, (3, 5), elements=st.floats(-3000, 3000, width=32))


def kept(features: torch.Tensor, precision: str) -> torch.Tensor:
    return from_stored(torch.from_numpy(to_stored(features, precision))).float()


@pytest.mark.parametrize("precision", ["fp16", "int8"])
@given(VALUES)
def test_kept_and_read_is_rounded(precision, values):
    features = torch.from_numpy(values)
    assert torch.equal(kept(features, precision), rounded(features, precision))


@pytest.mark.parametrize("precision", ["fp16", "int8"])
@given(VALUES)
def test_what_is_rounded_stays_as_it_is(precision, values):
    once = rounded(torch.from_numpy(values), precision)
    assert torch.equal(rounded(once, precision), once)


@given(VALUES)
def test_int8_is_off_by_at_most_half_a_code_and_the_rounding_of_its_scale(values):
    features = torch.from_numpy(values)
    largest = features.abs().amax(-1, keepdim=True)
    assert ((rounded(features, "int8") - features).abs() <= largest * (0.5 / 127 + 2**-11) + 127 * 2**-24).all()


def test_fp16_is_numpys():
    values = torch.tensor([1 / 3, 2049.0, -0.0])
    assert np.array_equal(rounded(values, "fp16").numpy(), values.numpy().astype(np.float16).astype(np.float32))


def test_int8_takes_one_byte_a_value_and_two_a_vector():
    rows = to_stored(torch.ones(2, 4, 768), "int8")
    assert (rows.shape, rows.dtype) == ((2, 4, 770), stored_type("int8"))
    assert to_stored(torch.ones(2, 768), "fp16").nbytes == 2 * 768 * 2


def test_zeros_of_padding_stay_zeros():
    assert not from_stored(torch.zeros(2, 3, 10, dtype=torch.int8)).any()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_a_value_that_int8_cannot_represent_is_refused(value):
    with pytest.raises(RunError, match=r"a value that int8 features cannot represent .* turn off the feature cache"):
        to_stored(torch.tensor([[1.0, value]]), "int8")
