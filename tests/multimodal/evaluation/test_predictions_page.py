"""The example of `docs/predictions.md` prints what the page says."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "predictions.md"


def test_the_example_prints_what_the_page_shows(tmp_path, monkeypatch, capsys):
    text = PAGE.read_text(encoding="utf-8")
    (code, shown) = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", text, re.DOTALL).groups()
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.rstrip() == shown.rstrip()
