"""Both towers of a small random SigLIP, against the transformers library used as its authors say."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from model_folders import make_modernbert, make_siglip
from PIL import Image
from transformers import AutoModel, AutoTokenizer, SiglipImageProcessor

from data_loaders.errors import ConfigError, RunError
from data_loaders.posts import Post
from multimodal.encoders.towers.siglip import TOKENS, SiglipTowers, find_towers

LONG = "the sea at night " * 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_siglip(tmp_path_factory.mktemp("siglip"))


@pytest.fixture(scope="module")
def towers(folder):
    return SiglipTowers.load(folder, "model")


def picture(width=40, height=20, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


class TestTexts:
    def test_lower_case_and_exactly_64_tokens(self, towers):
        ids = towers.tokenise(["The SEA", "the sea", "", LONG])
        assert ids.shape == (4, TOKENS)
        assert ids[0].tolist() == ids[1].tolist()
        # Padded on the right, although the tokenizer pads on the left.
        assert ids[0, 0] != towers.tokenizer.pad_token_id
        assert ids[0, -1] == ids[2, -1] == towers.tokenizer.pad_token_id
        assert ids[3, -1] != towers.tokenizer.pad_token_id

    def test_vectors_are_those_of_the_library_with_fixed_padding_and_no_mask(self, folder, towers):
        model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
        texts = ["a photo of the sea", "a red car"]
        tokens = tokenizer(
            texts, padding="max_length", max_length=64, truncation=True, padding_side="right", return_tensors="pt"
        )
        with torch.no_grad():
            expected = model.get_text_features(input_ids=tokens["input_ids"]).pooler_output
        expected = torch.nn.functional.normalize(expected.double(), dim=1)
        assert towers.texts(["a Photo of the SEA", "a red car"]) == pytest.approx(expected.numpy(), abs=1e-5)

    def test_an_unpadded_call_is_refused(self, towers):
        ids = towers.tokenise(["the sea"])[:, :4]
        with pytest.raises(ValueError, match=r"token ids of shape \(1, 4\); the text tower takes \(N, 64\), padded"):
            towers.text_vectors(ids)

    def test_padding_changes_the_vector_so_that_it_cannot_be_left_to_chance(self, towers):
        ids = towers.tokenise(["the sea"])[:, :4]
        with torch.no_grad():
            short = towers.model.get_text_features(input_ids=ids).pooler_output.double().numpy()
        assert not np.allclose(short / np.linalg.norm(short), towers.texts(["the sea"]), atol=1e-3)

    def test_alone_as_among_others_and_none_at_all(self, towers):
        texts = [f"a photo of {number}" for number in range(70)]
        assert towers.texts(texts)[-1:] == pytest.approx(towers.texts(texts[-1:]), abs=1e-5)
        assert towers.texts([]).shape == (0, 16)


class TestPictures:
    def test_pixels_are_those_of_the_library(self, folder, towers):
        processor = SiglipImageProcessor(size={"height": 16, "width": 16})
        expected = processor(images=picture(), return_tensors="pt")["pixel_values"][0]
        pixels = towers.normalised(towers.preprocessing(picture())[None])[0]
        assert towers.preprocessing.mean == towers.preprocessing.std == (0.5, 0.5, 0.5)
        assert pixels.shape == (3, 16, 16)
        # Resized in bytes here and in floating point there.
        assert (pixels - expected).abs().max() < 0.06
        assert (pixels - expected).abs().mean() < 0.01

    def test_vectors_are_those_of_the_library_and_zero_without_a_picture(self, folder, towers):
        model = AutoModel.from_pretrained(folder).eval()
        posts = [Post(post_id="a", image=picture()), Post(post_id="b"), Post(post_id="c", image=picture(seed=1))]
        pixels = torch.stack([towers.preprocessing(one.image) for one in (posts[0], posts[2])])
        with torch.no_grad():
            expected = model.get_image_features(pixel_values=(pixels / 255 - 0.5) / 0.5).pooler_output
        expected = torch.nn.functional.normalize(expected.double(), dim=1).numpy()
        found = towers.pictures(posts)
        assert found[[0, 2]] == pytest.approx(expected, abs=1e-5)
        assert not found[1].any()
        assert towers.pictures([posts[1]]).tolist() == [[0.0] * 16]

    def test_a_long_picture_is_squashed_whole(self, towers):
        wide = Image.new("RGB", (400, 20))
        wide.paste((255, 255, 255), (0, 0, 40, 20))
        assert towers.preprocessing(wide)[0, 8, 0] == 255
        assert replace(towers.preprocessing, squash=False)(wide)[0, 8, 0] == 0

    def test_squashing_is_part_of_the_fingerprint_and_its_absence_is_not(self, towers):
        cropping = replace(towers.preprocessing, squash=False)
        assert cropping.fingerprint() != towers.preprocessing.fingerprint()
        assert "squash" not in cropping.to_json()
        assert type(cropping).from_json(towers.preprocessing.to_json()) == towers.preprocessing


class TestFolders:
    def test_saved_and_loaded(self, towers, tmp_path):
        settings = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.5, 0.2], "resample": 2, "do_resize": True}
        towers.save(tmp_path)
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")
        loaded = SiglipTowers.load(tmp_path, "model")
        assert loaded.preprocessing.mean == (0.5, 0.4, 0.3)
        assert loaded.preprocessing.interpolation == "bilinear"
        loaded.save(tmp_path / "again")
        again = SiglipTowers.load(tmp_path / "again", "model")
        assert again.preprocessing == loaded.preprocessing
        assert again.texts(["the sea"]).tolist() == towers.texts(["the sea"]).tolist()

    def test_another_kind_of_model_is_refused(self, tmp_path):
        with pytest.raises(ConfigError, match="a model of type 'modernbert' has no text tower beside an image tower"):
            SiglipTowers.load(make_modernbert(tmp_path), "model='x'")

    def test_another_number_of_positions_is_refused(self, tmp_path):
        with pytest.raises(ConfigError, match="model: its text tower takes 32 tokens; one that takes 64 is needed"):
            SiglipTowers.load(make_siglip(tmp_path, tokens=32), "model")

    def test_an_unknown_filter_is_refused(self, towers, tmp_path):
        towers.save(tmp_path)
        (tmp_path / "preprocessor_config.json").write_text('{"resample": 5}', encoding="utf-8")
        with pytest.raises(RunError, match="resample=5 is unknown; accepted"):
            SiglipTowers.load(tmp_path, "model")

    def test_a_folder_without_a_model_is_named(self, folder, tmp_path):
        assert find_towers(str(folder), "model") == folder
        with pytest.raises(ConfigError, match="model='x': there is no model in this folder"):
            find_towers(str(tmp_path), "model='x'")
