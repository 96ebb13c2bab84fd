"""The examples in `docs/rules.md` run, and give what they say."""

from __future__ import annotations

import re
from pathlib import Path

from multimodal.systems.config_loading import validate_config
from multimodal.training.run import train_run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules.md"


def test_the_examples_run(tiny_data, tmp_path, monkeypatch, capsys):
    train_run(validate_config({"system": "user_habit"}), tiny_data, tmp_path / "runs" / "sample")
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    page = PAGE.read_text(encoding="utf-8").replace("8100110883", "user3")  # a user of the sample, and of these posts
    examples = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example, str(PAGE), "exec"), names)
    assert len(examples) == 3
    assert capsys.readouterr().out == "['fog', 'sea']\n"
