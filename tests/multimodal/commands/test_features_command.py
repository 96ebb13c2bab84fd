"""`features`: the cache is filled by several processes as by training itself, once."""

import json
from pathlib import Path

import numpy as np
import pytest

from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepared import PreparedData
from multimodal.commands.main import main
from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder
from multimodal.encoders.features import encode_posts
from multimodal.encoders.features.encode_posts import SHARDS
from multimodal.encoders.features.inputs import caption_inputs, cleaned_captions
from multimodal.systems.config_loading import load_config


@pytest.fixture
def data(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr("data_loaders.prepare.prepare.draw_plots", lambda *_: [])
    lines = [
        {"post_id": post.post_id, "user_id": post.user_id, "timestamp": post.timestamp.isoformat(),
         "caption": post.caption, "hashtags": list(post.hashtags)} for post in tiny_data.posts
    ]  # fmt: skip
    (tmp_path / "posts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    prepare(tmp_path / "posts.jsonl", tmp_path / "data", PrepareSettings(near_duplicates=False))
    return tmp_path / "data"


def words(data, tiny_bert, cache):
    encoder = ["encoder.caption.name=transformer", f"encoder.caption.pretrained={tiny_bert}", "encoder.image=null"]
    encoder.append("encoder.caption.maximum_tokens=32")
    return ["--config", "design_vit_weighted", "--data", str(data), f"feature_cache={cache}", *encoder]


def features_of(data, tiny_bert, cache):
    """Return every caption's features, from the cache alone."""
    config = load_config("design_vit_weighted", words(data, tiny_bert, cache)[4:])
    encoder = build_caption_encoder(CaptionEncoderConfig.model_validate(config.encoder.caption.model_dump()), [])
    encoder.eval()
    captions = cleaned_captions(PreparedData.open(data).posts(), config.caption_profile)
    inputs = caption_inputs(encoder, captions, str(cache), config.feature_precision)
    return [inputs.batch([row])[0].numpy() for row in range(len(captions))]


def test_several_processes_fill_the_cache_as_one_does(data, tiny_bert, tmp_path, monkeypatch):
    expected = features_of(data, tiny_bert, tmp_path / "whole")
    monkeypatch.setattr(encode_posts, "_POSTS_OF_A_SHARD", 30)
    assert main(["features", *words(data, tiny_bert, tmp_path / "cache"), "--processes", "2"]) == 0
    assert len(list((tmp_path / "cache" / SHARDS).iterdir())) == 4
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("rows.bin")}
    found = features_of(data, tiny_bert, tmp_path / "cache")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("rows.bin")} == before
    for one, other in zip(expected, found, strict=True):
        # Batches of other posts change the last bits before they are rounded to half precision.
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3)


def test_what_is_encoded_is_not_encoded_again(data, tiny_bert, tmp_path, monkeypatch):
    assert main(["features", *words(data, tiny_bert, tmp_path / "cache"), "--processes", "1"]) == 0

    def fail(*_):
        raise AssertionError("encoded again")

    monkeypatch.setattr(encode_posts.EncodePosts, "write", fail)
    assert main(["features", *words(data, tiny_bert, tmp_path / "cache"), "--processes", "1"]) == 0


@pytest.mark.parametrize(
    "changes, text",
    [
        (["encoder.caption.trainable=true"], "encoder.caption 'transformer' is trained, so its features are not kept"),
        (["feature_cache=null"], "configuration 'design_vit_weighted' keeps no features; accepted:"),
    ],
)
def test_a_configuration_that_keeps_no_features_is_refused(data, tiny_bert, tmp_path, capsys, changes, text):
    assert main(["features", *words(data, tiny_bert, tmp_path / "cache"), *changes]) == 2
    assert text in " ".join(capsys.readouterr().err.split())
    assert not Path(tmp_path / "cache").exists()
