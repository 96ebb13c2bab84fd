"""What is absent or comes again costs no forward pass, captions are padded to their own length."""

from __future__ import annotations

from pathlib import Path

import pytest

from multimodal import Recommender
from multimodal.systems.config_loading import load_config
from multimodal.training.run import train_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "design"
    train_run(load_config(ROOT / "configs" / "debug.yaml", ["training.epochs=1"]), tiny_data, folder)
    return folder


@pytest.fixture
def watched(run, monkeypatch):
    """A recommender, and the shapes that its encoders were called with."""
    recommender = Recommender.from_pretrained(run)
    network, shapes = recommender.system.network, {"words": [], "pictures": []}
    encoders = (
        ("words", network.caption_encoder, "encode_tokens"),
        ("pictures", network.image_encoder, "encode_pixels"),
    )
    for name, encoder, method in encoders:
        work = getattr(encoder, method)

        def watching(first, *rest, name=name, work=work):
            shapes[name].append(tuple(first.shape[:2]))
            return work(first, *rest)

        monkeypatch.setattr(encoder, method, watching)
    return recommender, shapes


def test_a_post_without_a_picture_runs_no_image_encoder(watched):
    recommender, shapes = watched
    recommender.recommend(caption="a walk by the sea", k=3)
    assert (len(shapes["words"]), shapes["pictures"]) == (1, [])


def test_posts_without_captions_and_pictures_cost_others_nothing(watched, tiny_data):
    recommender, shapes = watched
    picture = next(post.image for post in tiny_data.split("test") if post.image is not None)
    posts = [{"user_id": "ann"}, {"caption": "sea"}, {"caption": "sun", "image": picture}, {"user_id": "bob"}]
    recommender.recommend_many(posts, 3)
    (words,), (pictures,) = shapes["words"], shapes["pictures"]
    assert words[0] == 3  # no caption is one content, however many posts have none
    assert pictures[0] == 2
    recommender.recommend_many([{"user_id": "eve"}, {"user_id": "dan"}], 3)
    assert (len(shapes["words"]), len(shapes["pictures"])) == (1, 1)


def test_content_that_comes_again_is_not_encoded_and_answered_alike(watched, run, tiny_data):
    recommender, shapes = watched
    picture = next(post.image for post in tiny_data.split("test") if post.image is not None)
    asked = {"image": picture, "caption": "a walk by the sea", "k": 5}
    first = recommender.recommend(**asked)
    again = recommender.recommend(**{**asked, "image": Path(picture).read_bytes()})
    assert first == again == Recommender.from_pretrained(run).recommend(**asked)
    assert (len(shapes["words"]), len(shapes["pictures"])) == (1, 1)


def test_captions_are_padded_to_their_own_length(watched):
    recommender, shapes = watched
    recommender.recommend(caption="sea", k=3)
    recommender.recommend(caption="a walk by the sea and the sun", k=3)
    short, long = (length for _, length in shapes["words"])
    assert short < long < recommender.system.network.caption_encoder.maximum_tokens
