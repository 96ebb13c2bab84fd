import sys

import pytest

from multimodal.commands.main import main


def said(capsys, *words):
    assert main(["serve", *words]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--limit", "bytes=1"], "'bytes' is not a limit; accepted: body_bytes, "),
        (["--limit", "body_bytes=many"], "'many' is not a number"),
        (["--limit", "body_bytes=0"], "body_bytes: 0 is not a limit"),
        (["--memory", "a=x", "--run", "b"], "with several runs give --memory NAME=URL"),
        (["--api-key-file", "nowhere"], "--api-key-file nowhere cannot be read: "),
        (["--port", "0"], "runs/nothing"),
        (["--port", "99999"], "port: 99999 is not a port; give 1 to 65535, or 0 for any that is free"),
    ],
)
def test_mistakes(capsys, words, message):
    assert message in said(capsys, "--run", "runs/nothing", *words)


def test_an_empty_key(capsys, monkeypatch):
    monkeypatch.setenv("MULTIMODAL_API_KEY", "")
    assert "the API key has 0 characters; give 1 to 4096" in said(capsys, "--run", "runs/nothing")


def test_a_missing_package(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    for name in [name for name in sys.modules if name.startswith("multimodal.serving")]:
        monkeypatch.delitem(sys.modules, name)
    message = "serve needs the package 'fastapi': pip install 'multimodal-hashtags[serve]'."
    assert message in said(capsys, "--run", "runs/nothing")
