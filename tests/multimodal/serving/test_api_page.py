"""`/docs` asks no other host for anything."""

from __future__ import annotations

import json
import re

import pytest

from multimodal.serving import api_page
from multimodal.serving.icon import icon_address


def test_scripts_and_styles_come_from_the_service(client):
    pytest.importorskip("fastapi_offline", reason="needs fastapi-offline")
    service = client(api_key="secret")
    page = service.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    asked = re.findall(r"""(?:src|href)="([^"]+)\"""", page.text)
    assert sorted(asked) == [icon_address(), "docs/files/swagger-ui-bundle.js", "docs/files/swagger-ui.css"]
    kinds = [service.get(f"/{path}").headers["content-type"] for path in sorted(asked)[1:]]
    assert [kind.partition(";")[0].rpartition("/")[2] for kind in kinds] == ["javascript", "css"]
    assert "//" not in page.text.replace(icon_address(), "")
    settings = dict(re.findall(r'"?(\w+)"?: ([^,{}]+),$', page.text, re.MULTILINE))
    assert (json.loads(settings["validatorUrl"]), settings["url"]) == (None, "'openapi.json'")
    assert "/docs" not in service.get("/openapi.json").json()["paths"]


def test_without_the_package_the_page_is_the_document(client, monkeypatch):
    monkeypatch.setattr(api_page, "_PACKAGE", "not_installed")
    service = client()
    assert service.get("/docs").json() == service.get("/openapi.json").json()
    assert service.get("/docs/files/swagger-ui.css").status_code == 404


def test_no_other_page_loads_from_another_host(client):
    assert client().get("/redoc").status_code == 404
