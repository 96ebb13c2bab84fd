"""A modality that is left out is not read at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from data_loaders.errors import ConfigError
from multimodal.systems.config_loading import load_config
from multimodal.systems.registry import get_system
from multimodal.training.run import train_run

DEBUG = Path(__file__).resolve().parents[3] / "configs" / "debug.yaml"
NO_CAPTION = ["encoder.caption=null", "history.neighbours=0"]


def test_without_captions_no_caption_is_compared(tiny_data, tmp_path):
    trained = train_run(load_config(DEBUG, [*NO_CAPTION, "training.epochs=1"]), tiny_data, tmp_path / "run")
    system = trained.system
    loaded = get_system("design").load(trained.run.model, system.config, system.id_map)
    questions = tiny_data.split("test")
    answers = []
    for one in (system, loaded):
        for words in (None, "cake before rain"):
            memory = one.new_memory()
            assert memory.slots == 0
            one.add_posts(memory, [replace(post, caption=words) for post in tiny_data.split("train")])
            ranked = one.rank([replace(post, caption=words) for post in questions], memory, 5)
            answers.append((ranked.indices.tolist(), ranked.scores.tolist()))
    assert all(answer == answers[0] for answer in answers)


def test_without_captions_there_are_no_neighbours():
    with pytest.raises(ConfigError, match=r"history.neighbours=3 are chosen by their captions.*neighbours=0"):
        load_config(DEBUG, ["encoder.caption=null"])


@pytest.mark.parametrize("lacking", ["encoder.caption=null", "history.pointer=false", "heads.multilabel=false"])
def test_hashtags_that_captions_name_need_captions_and_the_pointer(lacking):
    with pytest.raises(ConfigError, match=r"history.named=true .* give a caption encoder, .* or set history.named=f"):
        load_config(DEBUG, ["history.named=true", "history.neighbours=0", lacking])


@pytest.mark.parametrize(
    "overrides",
    [
        ["history.named=true"],
        ["history.named=true", "history.posts=0", "history.neighbours=0"],
        ["history.pointer=false"],
        ["heads.sequence=false"],
        ["heads.multilabel=false"],
        ["history.posts=0", "history.neighbours=0"],
        ["encoder.image=null"],
    ],
)
def test_any_part_can_be_left_out(tiny_data, tmp_path, overrides):
    system = train_run(load_config(DEBUG, [*overrides, "training.epochs=1"]), tiny_data, tmp_path / "run").system
    memory = system.new_memory()
    system.add_posts(memory, tiny_data.posts)
    questions = tiny_data.split("test")
    together = system.rank(questions, memory, 9)
    for post, ranking in zip(questions, together, strict=True):
        (alone,) = system.rank([post], memory, 9)
        assert [hashtag for hashtag, _ in ranking] == [hashtag for hashtag, _ in alone]
