"""`language_model` with a stub of an endpoint."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest
from chat_stub import backwards, chat_stub, offered

from data_loaders.errors import ConfigError
from multimodal.baselines.language_model.config import KEY_VARIABLE, URL_VARIABLE
from multimodal.baselines.language_model.system import LanguageModel
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config
from multimodal.systems.requirements import check_requirements
from multimodal.training.run import train_run


@pytest.fixture
def stub():
    with chat_stub() as stub:
        yield stub


@pytest.fixture
def make(tiny_data, tmp_path, stub):
    def fitted(*overrides):
        settings = [f"endpoint.url={stub.url}", "endpoint.wait_s=0", f"cache={tmp_path / 'cache'}", *overrides]
        system = LanguageModel(load_config("language_model", settings))
        system.fit(tiny_data, RunFolder(tmp_path / "run"))
        memory = system.new_memory()
        system.add_posts(memory, tiny_data.posts)
        return system, memory

    return fitted


@pytest.fixture
def asked(tiny_data):
    return tiny_data.split("test")[2]


def names(rankings, row=0):
    return [hashtag for hashtag, _ in rankings.of(row)]


def retrieved(stub, system, memory, asked, k=6):
    """The list where nothing is chosen."""
    stub.answers = ["[]"]
    return names(system.rank([asked], memory, k))


def test_what_it_chooses_comes_first_and_the_rest_follows(stub, make, asked):
    system, memory = make("cache=null")
    plain = retrieved(stub, system, memory, asked, 8)
    stub.answers = [backwards]
    ranking = system.rank([asked], memory, 8)
    chosen = offered(stub.requests[-1][2])[:-4:-1]
    assert names(ranking) == [*chosen, *(one for one in plain if one not in chosen)][:8]
    scores = [score for _, score in ranking.of(0)]
    assert scores == sorted(scores, reverse=True)
    assert scores[2] > 1 > scores[3]


def test_candidates_are_of_similar_posts_the_author_and_trends_and_known_before(stub, make, asked, tiny_data):
    system, memory = make()
    later = replace(asked, post_id="later", hashtags=("quagga",))
    system.add_posts(memory, [later])
    system.rank([asked], memory, 3)
    text = stub.requests[-1][2]["messages"][1]["content"]
    earlier = {tag for post in tiny_data.posts if post.instant_us < asked.instant_us for tag in post.hashtags}
    assert set(offered(stub.requests[-1][2])) <= earlier
    for reason in ("in similar posts", "used by the author before", "used by many now"):
        assert reason in text


def test_hashtags_that_were_not_offered_are_dropped_and_counted(stub, make, asked, caplog):
    system, memory = make("cache=null")
    plain = retrieved(stub, system, memory, asked)
    stub.answers = [json.dumps(["invented", plain[2], "also_invented"])]
    assert names(system.rank([asked], memory, 6))[0] == plain[2]
    assert system.counts["strangers"] == 2
    assert "2 hashtags not on its list were dropped" in caplog.text


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I would rather not.", "the answer holds no list of hashtags"),
        ((500, "broken"), "the endpoint answered with status 500 (3 tries)"),
        ((401, "who are you"), "the endpoint answered with status 401"),
        ((200, b"<html>"), "the endpoint's answer is not a chat completion"),
    ],
)
def test_without_a_usable_answer_the_order_of_retrieval_remains_and_is_told(stub, make, asked, answer, reason, caplog):
    system, memory = make("cache=null")
    plain = retrieved(stub, system, memory, asked)
    stub.answers = [answer]
    with caplog.at_level(logging.WARNING):
        assert names(system.rank([asked], memory, 6)) == plain
    assert f"language_model: 1 of 1 posts keep the order of retrieval: 1 × {reason}" in caplog.text


def test_when_the_budget_is_spent_the_rest_keeps_the_order_of_retrieval(stub, make, tiny_data, caplog):
    system, memory = make("cache=null", "budget.calls=2")
    rankings = system.rank(tiny_data.split("test")[:5], memory, 4)
    assert len(stub.requests) == 2
    assert (system.counts["asked"], system.counts["unanswered"]) == (5, 3)
    assert all(len(ranking) == 4 for ranking in rankings)
    assert "3 of 5 posts keep the order of retrieval: 3 × the budget of 2 calls is spent (budget.calls)" in caplog.text


class TestCache:
    def test_an_answer_is_asked_for_once_whoever_asks(self, stub, make, asked):
        system, memory = make()
        first = system.rank([asked], memory, 4).of(0)
        again, same = make()
        assert system.rank([asked], memory, 4).of(0) == again.rank([asked], same, 4).of(0) == first
        assert len(stub.requests) == 1
        assert (system.counts["cached"], again.counts["asked"]) == (1, 0)

    def test_another_question_model_or_setting_is_another_answer(self, stub, make, asked):
        for overrides in ((), ("endpoint.model=large",), ("choose=3",), ("endpoint.temperature=1",)):
            system, memory = make(*overrides)
            system.rank([asked], memory, 4)
        system.rank([replace(asked, caption="something else")], memory, 4)
        assert len(stub.requests) == 5

    def test_failures_are_not_kept_and_damaged_files_are_asked_again(self, stub, make, asked, tmp_path):
        system, memory = make()
        stub.answers = [(404, "no"), backwards]
        failed = names(system.rank([asked], memory, 4))
        good = names(system.rank([asked], memory, 4))
        assert failed != good
        (file,) = (tmp_path / "cache").rglob("*.json")
        for damage in ("{", "[]", '{"text": 7}'):
            file.write_text(damage, encoding="utf-8")
            assert names(system.rank([asked], memory, 4)) == good
        assert len(stub.requests) == 5

    def test_neither_key_nor_question_is_kept(self, stub, make, asked, tmp_path, monkeypatch):
        monkeypatch.setenv(KEY_VARIABLE, "topsecret")
        system, memory = make()
        system.rank([replace(asked, caption="a private thought")], memory, 4)
        system.save(tmp_path / "run")
        assert stub.requests[0][1]["Authorization"] == "Bearer topsecret"
        written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
        assert b"topsecret" not in written
        assert b"private thought" not in written


class TestSwitch:
    def test_it_is_off_unless_an_endpoint_is_named(self, monkeypatch, tiny_data, tmp_path):
        monkeypatch.delenv(URL_VARIABLE, raising=False)
        config = load_config("language_model")
        with pytest.raises(
            ConfigError, match=r"language_model is off: .*Give endpoint.url=http.*, or set MULTIMODAL_L"
        ):
            check_requirements(config)
        with pytest.raises(ConfigError, match="language_model is off"):
            LanguageModel(config).fit(tiny_data, RunFolder(tmp_path))

    def test_the_environment_names_one(self, monkeypatch, stub, tiny_data, tmp_path, asked):
        monkeypatch.setenv(URL_VARIABLE, f"{stub.url}/")
        config = load_config("language_model", ["cache=null"])
        trained = train_run(config, tiny_data, tmp_path / "run").system
        assert not stub.requests, "training asks nothing"
        memory = trained.new_memory()
        trained.add_posts(memory, tiny_data.posts)
        trained.rank([asked], memory, 3)
        assert stub.requests[0][0] == "/v1/chat/completions"
        assert config.endpoint.url is None

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("ftp://host/v1", "is not the address of an endpoint; give one such as http://localhost:8000/v1"),
            ("localhost:8000", "is not the address of an endpoint"),
            ("http://host/v1?key=1", "is not the address of an endpoint"),
            (
                "http://me:secret@host/v1",
                f"holds a user or password, which would be saved; give the key as {KEY_VARIABLE}",
            ),
        ],
    )
    def test_addresses_that_are_refused(self, url, message, monkeypatch):
        with pytest.raises(ConfigError) as error:
            load_config("language_model", [f"endpoint.url='{url}'"])
        assert message in str(error.value)
        monkeypatch.setenv(URL_VARIABLE, url)
        with pytest.raises(ConfigError) as error:
            load_config("language_model").endpoint.found_url()
        assert message in str(error.value)
