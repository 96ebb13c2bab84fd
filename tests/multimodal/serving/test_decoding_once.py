"""A picture is decoded once: what a request checks is what the model reads."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from data_loaders.errors import DataError
from data_loaders.images.loading import load_image
from multimodal import Recommender
from multimodal.serving.app import create_app
from multimodal.serving.pictures import checked
from multimodal.serving.settings import ModelSource, ServiceSettings
from multimodal.systems.config_loading import load_config
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def design_run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "design"
    train_run(load_config(ROOT / "configs" / "debug.yaml", ["training.epochs=1"]), tiny_data, folder)
    return folder


def encoded(width, height, form="JPEG"):
    field = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC).save(file, form, quality=90)
    return file.getvalue()


def test_a_large_jpeg_becomes_few_pixels():
    pixels = checked(encoded(1_600, 1_200), 10**7, 64)
    assert pixels.shape == (150, 200, 3)
    assert checked(encoded(1_600, 1_200), 10**7) == encoded(1_600, 1_200)


def test_what_stays_large_stays_a_file():
    large = encoded(1_600, 1_200, "PNG")
    assert checked(large, 10**7, 64) == large
    assert checked(encoded(300, 200, "PNG"), 10**7, 64).shape == (200, 300, 3)


def test_a_damaged_picture_is_refused_at_once():
    with pytest.raises(DataError, match="cannot be used: truncated or damaged"):
        checked(encoded(800, 600)[:2_000], 10**7, 64)


def test_answers_are_those_of_the_file(design_run):
    recommender = Recommender.from_pretrained(design_run)
    size_px = recommender.system.picture_size_px()
    assert size_px == recommender.system.network.image_encoder.preprocessing.size_px
    for form, width, height in (("JPEG", 900, 700), ("JPEG", 40, 700), ("PNG", 200, 300)):
        picture = encoded(width, height, form)
        pixels = checked(picture, 10**7, size_px)
        assert isinstance(pixels, np.ndarray)
        assert recommender.recommend(pixels, "sea", k=5) == recommender.recommend(picture, "sea", k=5)


def test_a_system_without_pictures_knows_no_size(habit_run):
    assert load_model(habit_run).system.picture_size_px() is None


def test_the_service_answers_as_the_recommender(design_run):
    settings = ServiceSettings(models=[ModelSource(name="design", path=str(design_run))])
    pictures = [encoded(900, 700), encoded(200, 300, "PNG")]
    posts = [{"image": base64.b64encode(one).decode(), "caption": "a walk by the sea"} for one in pictures]
    with TestClient(create_app(settings)) as client:
        together = client.post("/recommend/batch", json={"posts": posts, "k": 4}).json()["answers"]
        alone = client.post("/recommend", files={"image": pictures[0]}, data={"k": "4"})
    recommender = Recommender.from_pretrained(design_run)
    expected = recommender.recommend_many([{"image": one, "caption": "a walk by the sea"} for one in pictures], 4)
    for answer, right in zip(together, expected, strict=True):
        assert [one["hashtag"] for one in answer["recommendations"]] == [one.hashtag for one in right]
        assert [one["score"] for one in answer["recommendations"]] == pytest.approx([one.score for one in right])
    assert alone.headers["content-type"] == "application/json"
    assert set(alone.json()) == {"recommendations", "answer_id", "model"}
    right = recommender.recommend(pictures[0], k=4)
    assert [one["hashtag"] for one in alone.json()["recommendations"]] == [one.hashtag for one in right]


def test_pictures_of_who_has_left_are_not_decoded(design_run, monkeypatch):
    app = create_app(ServiceSettings(models=[ModelSource(name="design", path=str(design_run))]))
    decoded, begun, go = [], threading.Event(), threading.Event()

    def slow(*given, **options):
        decoded.append(given)
        begun.set()
        assert go.wait(60)
        return load_image(*given, **options)

    monkeypatch.setattr("multimodal.serving.pictures.load_image", slow)
    picture = base64.b64encode(encoded(40, 30)).decode()
    sent = []

    body = json.dumps({"posts": [{"image": picture}] * 3}).encode()
    arriving = iter([{"type": "http.request", "body": body}])

    async def receive():
        if message := next(arriving, None):
            return message
        await asyncio.to_thread(begun.wait)
        asyncio.get_running_loop().call_soon(go.set)  # runs once it is known that the client has left
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    async def use():
        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/recommend/batch", "query_string": b"", "headers": headers}
        async with app.router.lifespan_context(app):
            await app(scope, receive, send)

    asyncio.run(use())
    assert len(decoded) == 1
    assert [message["status"] for message in sent if "status" in message] == [499]
