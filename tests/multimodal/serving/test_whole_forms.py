"""Forms that are cut off or whose bytes are no text."""

from __future__ import annotations

import pytest

from tests.multimodal.serving.test_service_refusals import refused

ROUTES = ("/recommend", "/observe")
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


def part(name, value, more=b""):
    return b'--x\r\nContent-Disposition: form-data; name="' + name + b'"' + more + b"\r\n\r\n" + value + b"\r\n"


WHOLE = part(b"user_id", b"ann") + part(b"caption", b"Low tide") + b"--x--\r\n"


@pytest.mark.parametrize("route", ROUTES)
def test_a_form_that_is_cut_off_is_refused_wherever_that_is(client, route):
    service = client()
    closing = WHOLE.rindex(b"--")
    for length in range(closing + 2):
        answer = service.post(route, content=WHOLE[:length], headers=FORM)
        assert answer.status_code == 400, (length, answer.text)
    refused(answer, 400, "the form is damaged: it ends before its closing boundary; send all of it.")
    assert service.get("/users/ann").json()["events"] == []
    for whole in (WHOLE, WHOLE[:-2], WHOLE + b"an epilogue"):
        assert service.post(route, content=whole, headers=FORM).status_code == 200


def test_a_picture_that_is_cut_off_is_refused(client, picture):
    body = part(b"user_id", b"ann") + part(b"image", picture, b'; filename="a.jpg"') + b"--x--\r\n"
    service = client()
    assert service.post("/recommend", content=body, headers=FORM).status_code == 200
    refused(service.post("/recommend", content=body[:-40], headers=FORM), 400, "the form is damaged")


@pytest.mark.parametrize("route", ROUTES)
def test_bytes_that_are_no_text_are_refused(client, route):
    service = client()
    body = part(b"user_id", b"ann") + part(b"caption", b"caf\xe9") + b"--x--\r\n"
    refused(
        service.post(route, content=body, headers=FORM), 400, "caption: the bytes are not text in utf-8; send UTF-8."
    )
    latin = {"Content-Type": FORM["Content-Type"] + "; charset=iso-8859-1"}
    assert service.post(route, content=body, headers=latin).status_code == 200
    unknown = {"Content-Type": FORM["Content-Type"] + "; charset=klingon"}
    message = "the charset 'klingon' of the Content-Type is not known; send UTF-8."
    refused(service.post(route, content=body, headers=unknown), 400, message)
