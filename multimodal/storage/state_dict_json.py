"""Nested values with tensors as JSON and safetensors, where pickle would be needed otherwise."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def state_dict_to_json(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Return `value` as JSON values; its tensors move into `tensors`, under consecutive numbers.

    Args:
        value: None, numbers, strings and tensors, in lists, tuples and dictionaries with any of them as keys.
        tensors: the tensors are added to it.

    Raises:
        TypeError: it contains anything else.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Tensor):
        tensors[str(len(tensors))] = value
        return {"tensor": str(len(tensors) - 1)}
    if isinstance(value, dict):
        return {
            "dict": [[state_dict_to_json(key, tensors), state_dict_to_json(one, tensors)] for key, one in value.items()]
        }
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [state_dict_to_json(one, tensors) for one in value]}
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON: {value!r}")


def state_dict_from_json(packed: Any, tensors: dict[str, Tensor]) -> Any:
    """Return the value that `state_dict_to_json` was given.

    Raises:
        ValueError: this is not a result of `state_dict_to_json`, or a tensor is missing.
    """
    if not isinstance(packed, dict):
        return packed
    ((kind, value),) = packed.items()
    if kind == "dict":
        return {state_dict_from_json(key, tensors): state_dict_from_json(one, tensors) for key, one in value}
    if kind in ("list", "tuple"):
        values = [state_dict_from_json(one, tensors) for one in value]
        return values if kind == "list" else tuple(values)
    if kind != "tensor" or value not in tensors:
        raise ValueError(f"{kind} {value!r} is missing")
    return tensors[value]
