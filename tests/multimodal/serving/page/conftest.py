"""Posts with pictures, prepared; two Systems trained on them; what the page does, without a browser."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import datetime, timedelta, timezone

import pytest
from PIL import Image

from data_loaders.prepare.prepare import prepare
from data_loaders.prepared import PreparedData
from multimodal.serving.app import create_app
from multimodal.serving.page.actions import PageActions
from multimodal.serving.page.known_posts import KnownPosts
from multimodal.serving.settings import Limits, ModelSource, ServiceSettings
from multimodal.systems.config_loading import load_config, validate_config
from multimodal.training.run import train_run

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
TAGS = {
    "sea": (20, 60, 200),
    "fire": (210, 60, 20),
    "moss": (30, 150, 40),
    "sand": (220, 190, 120),
    "night": (10, 10, 40),
}


@pytest.fixture(scope="session")
def page_data(tmp_path_factory):
    """80 posts by 6 users; picture and caption both tell the hashtags."""
    folder = tmp_path_factory.mktemp("page_dump")
    draw = random.Random(0)
    with (folder / "posts.jsonl").open("w", encoding="utf-8") as file:
        for number in range(80):
            tag, other = draw.sample(list(TAGS), 2)
            picture = Image.new("RGB", (48, 32), TAGS[tag])
            picture.paste(TAGS[other], (0, 0, 12, 32))
            picture.putpixel((number % 48, number % 32), (number, 255 - number, 128))
            picture.save(folder / f"{number}.png")
            record = {
                "post_id": f"p{number}",
                "user_id": f"user{draw.randrange(6)}",
                "timestamp": (START + timedelta(hours=number)).isoformat(),
                "caption": f"day {number} with {tag} and much {other} #{tag} #{other}",
                "image": f"{number}.png",
            }
            file.write(json.dumps(record) + "\n")
    prepare(folder / "posts.jsonl", folder / "prepared")
    return PreparedData.open(folder / "prepared")


@pytest.fixture(scope="session")
def page_runs(page_data, tmp_path_factory):
    """Run folders by System."""
    folder = tmp_path_factory.mktemp("page_runs")
    train_run(load_config("debug"), page_data, folder / "design")
    train_run(validate_config({"system": "user_habit"}), page_data, folder / "habit")
    return {name: folder / name for name in ("habit", "design")}


@pytest.fixture
def visit(page_runs):
    """Do something with `PageActions` while the service runs."""

    def run(use, known=None, **limits):
        models = [ModelSource(name=name, path=str(path)) for name, path in page_runs.items()]
        app = create_app(ServiceSettings(models=models, limits=Limits(**limits)))

        async def begin():
            async with app.router.lifespan_context(app):
                return await use(PageActions(app.state.service, known or KnownPosts()))

        return asyncio.run(begin())

    return run
