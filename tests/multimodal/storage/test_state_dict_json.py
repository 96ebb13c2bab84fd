"""Values without pickle."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from multimodal.storage.state_dict_json import state_dict_from_json, state_dict_to_json

plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.integers(), st.text()), inner, max_size=3),
    ),
    max_leaves=12,
)


@given(values)
def test_values_come_back_as_they_were(value):
    tensors = {}
    assert state_dict_from_json(json.loads(json.dumps(state_dict_to_json(value, tensors))), tensors) == value
    assert tensors == {}


def test_tensors_are_kept_apart():
    value = {"state": {0: {"step": torch.tensor(3.0), "mean": torch.ones(2)}}, "groups": [{"betas": (0.9, 0.99)}]}
    tensors = {}
    packed = json.loads(json.dumps(state_dict_to_json(value, tensors)))
    back = state_dict_from_json(packed, tensors)
    assert len(tensors) == 2
    assert back["groups"] == value["groups"]
    assert back["state"][0]["step"] is value["state"][0]["step"]
    assert back["state"][0]["mean"] is value["state"][0]["mean"]
    with pytest.raises(ValueError, match="tensor '1' is missing"):
        state_dict_from_json(packed, {"0": tensors["0"]})


def test_other_things_are_refused():
    with pytest.raises(TypeError, match="a set cannot be written as JSON"):
        state_dict_to_json({"a": {1, 2}}, {})
    with pytest.raises(ValueError, match="set"):
        state_dict_from_json({"set": []}, {})
