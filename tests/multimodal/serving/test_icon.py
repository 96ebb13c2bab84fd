"""The icon that browsers show and ask for."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ElementTree

from multimodal.serving.icon import SVG, icon_link


def test_browsers_are_given_one_without_a_key(client):
    answer = client(api_key="secret").get("/favicon.ico")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert ElementTree.fromstring(answer.text).tag == "{http://www.w3.org/2000/svg}svg"
    assert "/favicon.ico" not in client().get("/openapi.json").json()["paths"]


def test_a_page_names_it_and_asks_for_nothing():
    given = re.fullmatch(
        '<link rel="icon" type="image/svg[+]xml" href="data:image/svg[+]xml;base64,(.+)">', icon_link()
    )
    assert base64.b64decode(given[1]).decode() == SVG
    assert "href" not in SVG
