"""The page as the application serves it."""

from __future__ import annotations

import json
import re

import pytest
from fastapi.testclient import TestClient

from multimodal.serving.app import create_app
from multimodal.serving.icon import icon_link
from multimodal.serving.page.known_posts import KnownPosts
from multimodal.serving.settings import ModelSource, ServiceSettings

pytest.importorskip("gradio", reason="needs gradio")


def test_the_page_names_its_icon(habit_run):
    from multimodal.serving.page.mounting import mount_page

    app = create_app(ServiceSettings(models=[ModelSource(name="habit", path=str(habit_run))]))
    mount_page(app, KnownPosts())
    with TestClient(app) as client:
        head = re.search(r'"head":("(?:[^"\\]|\\.)*")', client.get("/").text)
    assert json.loads(head[1]) == icon_link()
