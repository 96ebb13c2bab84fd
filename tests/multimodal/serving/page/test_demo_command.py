"""The command before it serves."""

from __future__ import annotations

import sys

import pytest

from multimodal.commands.main import main


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Let the command's changes of the environment end with the test."""
    for name in ("GRADIO_ANALYTICS_ENABLED", "GRADIO_TEMP_DIR"):
        monkeypatch.setenv(name, "")


def said(capsys, *words):
    assert main(["demo", "--run", "runs/nothing", *words]) == 2
    return capsys.readouterr().err


def test_a_missing_package(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    for name in [name for name in sys.modules if name.startswith("multimodal.serving.page")]:
        monkeypatch.delitem(sys.modules, name)
    assert "demo needs the package 'gradio': pip install 'multimodal-hashtags[demo]'." in said(capsys)


def test_a_mistake(capsys):
    pytest.importorskip("gradio", reason="needs gradio")
    assert "prepared folder nowhere does not exist" in said(capsys, "--data", "nowhere")
    assert "'bytes' is not a limit" in said(capsys, "--limit", "bytes=1")
