"""Hashtags that a caption names, from the caption to the ranking."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch

from multimodal.design.named import named_hashtags, names_in
from multimodal.design.system import DesignSystem
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.systems.config_loading import load_config

DEBUG = Path(__file__).resolve().parents[3] / "configs" / "debug.yaml"
NAMED = ["history.named=true", "heads.sequence=false"]


def make_system(data, overrides=NAMED):
    system = DesignSystem(load_config(DEBUG, overrides))
    system.id_map = HashtagIdMap(data.vocabulary.hashtags[:12], data.vocabulary.frequencies[:12])
    system.alpha = 1.0
    torch.manual_seed(0)
    system.build(cleaned_captions(data.split("train"), system.config.caption_profile), True)
    return system


def logits(system, posts, memory):
    """The logit of each hashtag that a post can get, by its text."""
    system.network.eval()
    dataset, bank = system.scorer.datasets.dataset(posts, memory), system.scorer.bank(memory)
    with torch.no_grad():
        output = system.network(*bank.place(dataset.batch(range(len(posts)))))
    names = [memory.id_map[index] for index in output.columns.indices().tolist()]
    return [dict(zip(names, row, strict=True)) for row in output.logits.double().tolist()]


@pytest.fixture
def asked(tiny_data):
    return replace(tiny_data.posts[100], user_id=None, caption="A Red panda, again", image=None)


def memory_with(system, asked, *hashtags, hours=-1):
    """A memory of one post that no rule but the caption's words can find."""
    posted = asked.timestamp + timedelta(hours=hours)
    memory = system.new_memory()
    earlier = replace(asked, post_id="earlier", timestamp=posted, user_id="zoe", caption=None, hashtags=hashtags)
    system.add_posts(memory, [earlier])
    return memory


class TestNamesIn:
    def test_words_and_up_to_four_joined_each_once(self):
        names = names_in("a b c d e a b")
        assert names[:5] == ["a", "b", "c", "d", "e"]
        assert {"ab", "abc", "abcd", "bcde"} <= set(names)
        assert "abcde" not in names
        assert len(set(names)) == len(names)

    @pytest.mark.parametrize(
        ("caption", "name"),
        [
            ("New York, again", "newyork"),
            ("COVID-19", "covid19"),
            ("ＴＯＫＹＯ", "tokyo"),
            ("çay içtik", "çay"),
            ("東京 の 夜", "東京"),
            ("many cats", "cat"),
            ("a cat", "cats"),
        ],
    )
    def test_are_in_the_form_of_hashtags(self, caption, name):
        assert name in names_in(caption)

    def test_end_after_400_words(self):
        names = names_in(" ".join(f"w{number}x" for number in range(500)))
        assert "w399x" in names
        assert "w400x" not in names

    def test_nothing_names_nothing(self):
        assert names_in("") == names_in("… !") == []


class TestNamedHashtags:
    def test_were_used_strictly_before(self, tiny_data):
        memory = PostMemory(HashtagIdMap(["sea"], [1]))
        first, second = (replace(tiny_data.posts[n], hashtags=tags) for n, tags in ((10, ["sea"]), (20, ["sky"])))
        memory.append([first, second])
        moments = np.array([first.instant_us, first.instant_us + 1, second.instant_us, second.instant_us + 1])
        found = named_hashtags(["sea sky land"] * 4, memory, moments)
        assert found == [[], [0], [0], [0, 1]]

    def test_of_no_captions(self):
        assert named_hashtags([], PostMemory(HashtagIdMap()), np.empty(0, np.int64)) == []
        assert named_hashtags([""], PostMemory(HashtagIdMap()), np.zeros(1, np.int64)) == [[]]


class TestInTheNetwork:
    def test_a_named_hashtag_outside_the_vocabulary_can_be_ranked(self, tiny_data, asked):
        system = make_system(tiny_data)
        (found,) = logits(system, [asked], memory_with(system, asked, "redpanda", "giraffe"))
        assert np.isfinite(found["redpanda"])
        assert "giraffe" not in found

    def test_naming_raises_that_hashtag_alone(self, tiny_data, asked):
        system = make_system(tiny_data)
        name = system.id_map[3]
        silent = replace(asked, caption="zzz")
        memory = memory_with(system, asked, name)
        named = replace(asked, caption=f"zzz {name}")
        system.network.caption_encoder = None
        (with_it,), (without,) = (logits(system, [post], memory) for post in (named, silent))
        strength = torch.nn.functional.softplus(system.network.pointer.weights.bias[-1]).item()
        assert with_it[name] - without[name] == pytest.approx(strength * np.log(2), rel=0.2)
        assert {text for text in with_it if with_it[text] != without[text]} == {name}

    @pytest.mark.parametrize("hours", [0, 1])
    def test_what_is_used_later_changes_nothing(self, tiny_data, asked, hours):
        system = make_system(tiny_data)
        later = logits(system, [asked], memory_with(system, asked, "redpanda", system.id_map[0], hours=hours))
        assert later == logits(system, [asked], system.new_memory())

    def test_switched_off_nothing_is_named(self, tiny_data, asked):
        system = make_system(tiny_data, ["heads.sequence=false"])
        (found,) = logits(system, [asked], memory_with(system, asked, "redpanda"))
        assert "redpanda" not in found

    def test_explained_as_named(self, tiny_data, asked):
        system = make_system(tiny_data)
        memory = memory_with(system, asked, "redpanda")
        rankings = system.rank([asked], memory, 13)
        (explained,) = system.explain([asked], rankings, memory)
        expected = logits(system, [asked], memory)[0]
        for hashtag, sources in zip(rankings.indices[0].tolist(), explained, strict=True):
            text = memory.id_map[hashtag]
            assert sum(source.effect for source in sources) == pytest.approx(expected[text], abs=1e-3)
            assert ("named" in [source.name for source in sources]) == (text == "redpanda")

    def test_it_is_saved_and_loaded(self, tiny_data, asked, tmp_path):
        system = make_system(tiny_data)
        system.save(tmp_path)
        loaded = DesignSystem.load(tmp_path, system.config, system.id_map)
        memory = memory_with(system, asked, "redpanda")
        assert logits(loaded, [asked], memory) == logits(system, [asked], memory)
