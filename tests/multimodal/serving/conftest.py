import io

import pytest
from PIL import Image
from starlette.testclient import TestClient

from multimodal.serving.app import create_app
from multimodal.serving.settings import Limits, ModelSource, ServiceSettings


@pytest.fixture
def settings(habit_run):
    def make(memory=None, limits=None, **others):
        models = [ModelSource(name="habit", path=str(habit_run), memory=memory)]
        return ServiceSettings(models=models, limits=Limits(**(limits or {})), **others)

    return make


@pytest.fixture
def client(settings):
    """Start the service, any number of times; all are ended."""
    clients = []

    def start(**given):
        clients.append(TestClient(create_app(settings(**given))).__enter__())
        return clients[-1]

    yield start
    for one in clients:
        one.__exit__(None, None, None)


@pytest.fixture(scope="session")
def picture():
    file = io.BytesIO()
    Image.new("RGB", (32, 24), (10, 120, 200)).save(file, "JPEG")
    return file.getvalue()
