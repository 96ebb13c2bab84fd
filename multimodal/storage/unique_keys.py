"""YAML in which each key is given once; of one given twice, PyYAML keeps the last without a word."""

from __future__ import annotations

from typing import Any

import yaml


class _UniqueKeys(yaml.SafeLoader):
    """Reads YAML as `yaml.safe_load` does, and refuses a mapping with a repeated key.

    What is merged (`<<: *defaults`) and given again is not repeated: it is compared as it is written.
    """

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name, line = (key.tag, key.value), key.start_mark.line + 1
            if name in lines:
                raise yaml.YAMLError(_repeated(key.value, lines[name], line))
            lines[name] = line
        return node


def _repeated(key: str, first: int, second: int) -> str:
    where = f"line {first}" if first == second else f"lines {first} and {second}"
    return f"the key {key!r} is given twice, in {where}; give it once"


def load_yaml(text: str) -> Any:
    """Return the value of a YAML text.

    Raises:
        yaml.YAMLError: it is not YAML, or a key is given twice in one mapping.
        ValueError: a date or a number is impossible.
        RecursionError: it is nested too deeply.
    """
    return yaml.load(text, _UniqueKeys)
