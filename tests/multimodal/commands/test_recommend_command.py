"""The command `recommend`."""

from __future__ import annotations

import json
import re

from PIL import Image

from multimodal import Recommender


def hashtags(printed):
    return re.findall(r"#(\w+)", printed)


def test_it_prints_exactly_k_hashtags_as_the_library_names_them(process, trained, tmp_path):
    image = tmp_path / "photo.jpg"
    Image.new("RGB", (30, 20), (10, 90, 200)).save(image)
    arguments = ("--run", trained, "--image", image, "--caption", "Low tide", "--user-id", "user3", "--k", "4")
    done = process("recommend", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    expected = Recommender.from_pretrained(trained).recommend(image, "Low tide", "user3", 4)
    assert hashtags(done.stdout) == [one.hashtag for one in expected]
    assert f"{expected[0].score:.4f}" in done.stdout


def test_later_posts_can_be_made_known(command, trained, prepared):
    asked = ("--run", trained, "--user-id", "user3", "--k", "3")
    known = command("recommend", *asked, "--observe", prepared)
    assert known.returncode == 0, known.stderr
    assert len(hashtags(known.stdout)) == 3
    assert known.stdout != command("recommend", *asked).stdout


def test_the_device_can_be_chosen(command, trained):
    asked = ("--run", trained, "--user-id", "user3", "--k", "3")
    done = command("recommend", *asked, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert done.stdout == command("recommend", *asked).stdout


def test_caption_hashtags_are_left_out_unless_asked(command, trained):
    asked = ("--run", trained, "--user-id", "user3", "--k", "3")
    first = hashtags(command("recommend", *asked).stdout)[0]
    asked = (*asked, "--caption", f"already #{first}")
    assert first not in hashtags(command("recommend", *asked).stdout)
    assert first in hashtags(command("recommend", *asked, "--include-caption-hashtags").stdout)


def test_mistakes(command, trained, tmp_path):
    mistakes = {
        ("--run", trained): "give at least one of image, caption and user_id",
        ("--run", trained, "--user-id", "user3", "--k", "0"): "k: 0 hashtags cannot be recommended",
        ("--run", trained, "--user-id", "user3", "--k", "9999"): "k: 9999 hashtags were requested, but only",
        ("--run", trained, "--user-id", "user3", "--timestamp", "soon"): "timestamp 'soon' cannot be used",
        ("--run", trained, "--image", tmp_path / "no.jpg"): "there is no such file",
        ("--run", trained, "--image", "https://x.org/a.jpg"): "https://x.org/a.jpg cannot be used: pictures are not",
        ("--run", trained, "--user-id", "user3", "--device", "gpu"): "device: 'gpu' is not known; accepted: cpu, cuda",
        ("--run", tmp_path / "no", "--user-id", "user3"): "does not exist. Train a model: multimodal-hashtags train",
    }
    for arguments, message in mistakes.items():
        done = command("recommend", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr


def test_help_shows_examples(command):
    assert "multimodal-hashtags recommend --run runs/sample --image photo.jpg" in command("recommend", "--help").stdout


def test_programs_get_what_the_library_recommends(command, trained):
    done = command("recommend", "--run", trained, "--user-id", "user3", "--k", "3", "--json")
    expected = Recommender.from_pretrained(trained).recommend(user_id="user3", k=3)
    assert json.loads(done.stdout) == {
        "recommendations": [{"hashtag": one.hashtag, "score": one.score} for one in expected]
    }


def test_it_says_why(command, trained):
    asked = ("recommend", "--run", trained, "--user-id", "user3", "--k", "3", "--always", "shop", "--explain")
    printed = command(*asked).stdout
    assert "Because" in printed
    first, second, _ = json.loads(command(*asked, "--json").stdout)["recommendations"]
    assert first["sources"] == [{"name": "always", "effect": 0.0, "posts": []}]
    own = second["sources"][0]
    assert f"own {own['effect']:+.2f} ({', '.join(own['posts'])})"[:16] in printed


class TestRules:
    def test_they_are_those_of_the_library(self, command, trained, tmp_path):
        asked = ("--run", trained, "--user-id", "user3", "--k", "4")
        first, second, *_ = hashtags(command("recommend", *asked).stdout)
        file = tmp_path / "rules.json"
        file.write_text(json.dumps({"never": [first], "always": ["market"]}))
        given = ("--never", f"{first},tea*", "--always", "My Shop", "--replace", f"{second}=other, x=y")
        done = command("recommend", *asked, *given)
        rules = {"never": [first, "tea*"], "always": ["myshop"], "replace": {second: "other", "x": "y"}}
        expected = Recommender.from_pretrained(trained).recommend(user_id="user3", k=4, **rules)
        assert hashtags(done.stdout) == [one.hashtag for one in expected], done.stderr
        assert hashtags(command("recommend", *asked, "--rules", file).stdout)[0] == "market"
        both = command("recommend", *asked, "--rules", file, "--always", "shop")
        assert hashtags(both.stdout)[:2] == ["shop", second]

    def test_own_hashtags_alone(self, command, trained):
        asked = ("--run", trained, "--user-id", "user3", "--k", "2")
        expected = Recommender.from_pretrained(trained).recommend(user_id="user3", k=2, only="mine")
        done = command("recommend", *asked, "--only", "mine")
        assert hashtags(done.stdout) == [one.hashtag for one in expected]
        assert "#mine" in command("recommend", *asked[:-1], "1", "--only", "#mine").stdout

    def test_mistakes(self, command, trained, tmp_path):
        (tmp_path / "list.json").write_text("[1]")
        (tmp_path / "text.json").write_text("{")
        (tmp_path / "key.json").write_text('{"nevr": []}')
        mistakes = {
            ("--replace", "nyc"): "--replace: 'nyc' has no =; give what to replace and by what",
            ("--replace", "nyc=york,nyc=ny"): "--replace: 'nyc' has several replacements; give one.",
            ("--replace", "nyc=new=york"): "replace: 'new=york' has '=', which no hashtag is written with",
            ("--rules", tmp_path / "no.json"): "--rules: there is no file",
            ("--rules", tmp_path / "list.json"): 'list.json holds [1]; give an object such as {"never": ["ad*"]}',
            ("--rules", tmp_path / "text.json"): "text.json is not JSON that can be read",
            ("--rules", tmp_path / "key.json"): "rules: unknown key 'nevr'. Did you mean 'never'?",
            ("--never", "ad", "--always", "ad"): "always: 'ad' is also among never",
        }
        for options, message in mistakes.items():
            done = command("recommend", "--run", trained, "--user-id", "user3", *options)
            assert done.returncode == 2
            assert message in done.stderr
