from pathlib import Path

from data_loaders.command_line import command_line


def test_words_are_quoted_where_a_shell_needs_it():
    assert command_line("train", "--data", Path("my data"), "seed=1") == (
        "multimodal-hashtags train --data 'my data' seed=1"
    )
