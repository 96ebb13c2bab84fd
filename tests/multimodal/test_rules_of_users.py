"""Rules of users and calls, through the public face: in the call, kept, followed, exported, forgotten, refused."""

from __future__ import annotations

import pytest

import multimodal
from data_loaders.errors import UserError
from data_loaders.posts import Post
from multimodal import Recommender, default_model
from multimodal.memory.log.events import RulesSet
from multimodal.memory.memory_files import read_memory, write_memory


@pytest.fixture
def opened(habit_run, tmp_path):
    """Open Recommenders on one memory; all are closed at the end."""
    recommenders = []

    def open_it(memory=tmp_path / "memory.sqlite"):
        recommenders.append(Recommender.from_pretrained(habit_run, memory=memory, refresh_s=0))
        return recommenders[-1]

    yield open_it
    for recommender in recommenders:
        recommender.close()


def names(answer):
    return [one.hashtag for one in answer]


class TestInACall:
    def test_without_rules_nothing_changes(self, habit):
        plain = habit.recommend(caption="a walk", user_id="user3", k=6)
        empty = habit.recommend(caption="a walk", user_id="user3", k=6, only="any", never=[], always=[], replace={})
        assert [one.to_dict() for one in plain] == [one.to_dict() for one in empty]

    def test_k_asked_k_got(self, habit):
        plain = names(habit.recommend(user_id="user3", k=8))
        assert names(habit.recommend(user_id="user3", k=4, never=plain[:3])) == plain[3:7]
        assert names(habit.recommend(user_id="user3", k=2, only=[plain[7], plain[5]])) == [plain[5], plain[7]]
        assert names(habit.recommend(user_id="user3", k=3, always=["My Shop"])) == ["myshop", *plain[:2]]

    def test_the_history_of_the_call_is_mine_too(self, habit):
        answer = habit.recommend(caption="a", k=2, only="mine", history=[{"hashtags": ["own", "fog"]}])
        assert sorted(names(answer)) == ["fog", "own"]
        with pytest.raises(
            UserError, match=r"k: 2 hashtags were requested, but only 0 can be recommended by the rules"
        ):
            habit.recommend(caption="a", k=2, only="mine")

    def test_known_is_what_anybody_has_used(self, habit):
        habit.observe({"user_id": "user1", "hashtags": ["brandnew"]})
        known = set(names(habit.recommend(user_id="user1", k=9, only="known")))
        assert "brandnew" in known
        assert known <= {tag for post in range(len(habit.memory)) for tag in habit.memory.id_map.names}
        early = habit.recommend_many(
            [{"user_id": "user1", "timestamp": "2023-01-01"}], 3, only="known", on_short="fewer"
        )
        assert early == [[]]

    def test_what_is_brought_by_a_rule_has_no_chance(self, habit):
        first, *_ = habit.recommend(user_id="user3", k=2, always=["shop"])
        assert first.to_dict() == {"hashtag": "shop", "score": first.score, "probability": None, "sources": None}

    def test_the_caption_is_not_repeated_even_in_place_of_another(self, habit):
        plain = names(habit.recommend(user_id="user3", k=3))
        caption = f"already #{plain[1]} and #shop"
        answer = habit.recommend(caption=caption, user_id="user3", k=2, replace={plain[0]: plain[1]}, always=["shop"])
        assert not {plain[0], plain[1], "shop"} & set(names(answer))

    def test_hashtags_that_nobody_knows_count(self, habit):
        wanted = [f"nobody{number}" for number in range(len(habit.memory.id_map) + 5)]
        assert names(habit.recommend(user_id="user3", k=len(wanted), only=wanted)) == wanted

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            ({"k": 1, "always": ["a", "b"]}, r"k: 1 hashtags were requested, but 2 always come first \(a, b\)"),
            ({"k": 2, "only": ["sea"]}, "k: 2 hashtags were requested, but only 1 can be recommended by the rules"),
            ({"never": ["sea"], "always": ["Sea"]}, "always: 'sea' is also among never"),
            ({"language": "klingon"}, "language: 'klingon' is not the code of a language"),
            ({"language": "de"}, "language: no remembered post is known to be in 'de': this System finds out none"),
        ],
    )
    def test_contradictions(self, habit, call, message):
        with pytest.raises(UserError, match=message):
            habit.recommend(user_id="user3", **call)

    def test_many_posts_at_once_are_answered_as_one_by_one(self, habit, tiny_data):
        rules = {"never": ["su*"], "always": ["shop"], "replace": {"cat": "dog"}}
        posts = tiny_data.split("test")
        together = habit.recommend_many(posts, 4, **rules)
        assert together == [habit.recommend_many([post], 4, **rules)[0] for post in posts]

    def test_the_default_model_obeys(self, habit_run, monkeypatch):
        monkeypatch.setenv(default_model.MODEL_VARIABLE, str(habit_run))
        assert names(multimodal.recommend(user_id="user3", k=2, always=["shop"]))[0] == "shop"


class TestLanguages:
    @pytest.fixture
    def speaking(self, habit):
        posts = [
            Post(post_id=f"l{number}", user_id="eva", hashtags=tags)
            for number, tags in enumerate([("meer", "fog"), ("mer",), ("sea",)])
        ]
        habit.memory.append(posts, languages=["de", "fr", "en"])
        return habit

    def test_only_hashtags_of_posts_in_that_language(self, speaking):
        assert sorted(names(speaking.recommend(user_id="eva", k=2, language="DE"))) == ["fog", "meer"]
        assert names(speaking.recommend(user_id="eva", k=1, language="fr")) == ["mer"]

    def test_known_ones_are_named(self, speaking):
        with pytest.raises(UserError, match=r"language: no remembered post is in 'it'; known: de, en, fr\."):
            speaking.recommend(user_id="eva", k=1, language="it")

    def test_a_stored_one_that_is_lifted(self, speaking):
        speaking.set_rules("eva", {"language": "fr"})
        assert names(speaking.recommend(user_id="eva", k=1)) == ["mer"]
        assert len(speaking.recommend(user_id="eva", k=4, language="any")) == 4


class TestStored:
    def test_they_count_for_their_user_alone_until_they_are_taken_back(self, habit):
        plain = names(habit.recommend(user_id="user3", k=3))
        habit.set_rules("user3", {"never": plain[:1]})
        assert habit.rules("user3") == {"never": plain[:1]}
        assert plain[0] not in names(habit.recommend(user_id="user3", k=3))
        together = habit.recommend_many([{"user_id": "user3"}, {"user_id": "user4"}], 3)
        assert together == [habit.recommend(user_id=user, k=3) for user in ("user3", "user4")]
        assert names(habit.recommend(user_id="user3", k=3, never=[])) == plain
        habit.set_rules("user3", None)
        assert habit.rules("user3") == {}
        assert names(habit.recommend(user_id="user3", k=3)) == plain

    def test_too_many_that_always_come_first_do_not_lose_the_others(self, habit):
        habit.set_rules("user3", {"always": ["a", "b", "c"]})
        posts = [{"user_id": "user3"}, {"user_id": "user4"}]
        with pytest.raises(UserError, match=r"k: 2 hashtags were requested for query 1, but 3 always come first"):
            habit.recommend_many(posts, 2)
        first, second = habit.recommend_many(posts, 2, on_short="fewer")
        assert (names(first), len(second)) == (["a", "b"], 2)

    def test_a_restart_and_another_process_know_them(self, opened):
        here = opened()
        there = opened()
        here.set_rules("ann", {"always": ["shop"], "only": "mine"})
        assert there.rules("ann") == {"only": "mine", "always": ["shop"]}
        assert names(there.recommend(user_id="ann", k=1)) == ["shop"]
        here.set_rules("ann", {"always": ["market"]})
        here.close()
        assert names(opened().recommend(user_id="ann", k=1)) == ["market"]

    def test_a_compacted_memory_and_a_saved_model_know_them(self, opened, tmp_path):
        kept = opened()
        kept.set_rules("ann", {"always": ["shop"], "replace": {"a": "b"}})
        kept.observe({"post_id": "x", "user_id": "bob", "hashtags": ["sea"]})
        kept.forget("bob")
        kept.compact()
        kept.save_pretrained(tmp_path / "model")
        for again in (kept, opened(), Recommender.from_pretrained(tmp_path / "model")):
            assert again.rules("ann") == {"always": ["shop"], "replace": {"a": "b"}}

    def test_they_are_exported_and_forgotten(self, opened, tmp_path):
        kept = opened()
        kept.set_rules("ann", {"never": ["secret*"]})
        exported = kept.export("ann")
        assert exported["rules"] == {"never": ["secret*"]}
        (event,) = exported["events"]
        assert (event["kind"], event["rules"]) == ("rules", {"never": ["secret*"]})
        kept.forget("ann")
        assert kept.rules("ann") == {}
        kept.compact()
        assert "rules" not in kept.export("ann")
        kept.save_pretrained(tmp_path / "model")
        files = [tmp_path / "memory.sqlite", *tmp_path.rglob("*.json")]
        assert all(b"secret" not in file.read_bytes() for file in files)
        assert opened().rules("ann") == {}

    def test_in_process_they_are_forgotten_too(self, habit):
        habit.set_rules("ann", {"never": ["secret"]})
        assert habit.export("ann")["rules"] == {"never": ["secret"]}
        assert habit.forget("ann") == 0
        assert habit.rules("ann") == {}
        assert "rules" not in habit.export("ann")
        assert [type(event) for _, event in habit.live.store.read() if isinstance(event, RulesSet)] == []

    def test_what_cannot_be_kept_changes_nothing(self, habit):
        habit.set_rules("ann", {"never": ["a"]})
        with pytest.raises(UserError, match="always: 'x' is also among never"):
            habit.set_rules("ann", {"always": ["x"], "never": ["x"]})
        with pytest.raises(UserError, match="names nobody"):
            habit.set_rules("", {"never": ["x"]})
        assert habit.rules("ann") == {"never": ["a"]}

    def test_those_of_a_model_folder_are_checked(self, habit, tmp_path):
        habit.set_rules("ann", {"never": ["a"]})
        write_memory(tmp_path, habit.memory)
        path = tmp_path / "memory.json"
        path.write_text(path.read_text().replace('"never": [', '"never": [3, '))
        with pytest.raises(UserError, match=r"rules\.ann\.never\.0: Input should be a valid string"):
            read_memory(tmp_path, habit.system.new_memory())
