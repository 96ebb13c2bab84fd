"""What the service refuses: each with its status code and a sentence."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from multimodal import Recommender
from multimodal.memory.log.errors import StoreUnavailableError


def refused(answer, status, message):
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["status"] == status
    assert message in answer.json()["error"]["message"]
    return answer


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "nothing to recommend for; give at least one of image, caption and user_id"),
        ({"k": 3}, "nothing to recommend for"),
        ({"user_id": "ann", "k": 0}, "k: give a whole number of at least 1, or auto (got 0)"),
        ({"user_id": "ann", "k": 1.5}, "k: give a whole number of at least 1, or auto"),
        ({"user_id": "ann", "k": "many"}, "k: give a whole number of at least 1, or auto"),
        ({"user_id": "ann", "k": True}, "k: give a whole number of at least 1, or auto"),
        ({"user_id": "ann", "k": "5"}, 'k: give a whole number of at least 1, or auto (got "5")'),
        ({"user_id": "ann", "k": "auto", "maximum": "5"}, 'maximum: Input should be a valid integer (got "5")'),
        ({"user_id": "ann", "explain": "no"}, 'explain: Input should be a valid boolean (got "no")'),
        ({"user_id": "a", "rerank": {"diversity": "1"}}, 'rerank.diversity: Input should be a valid number (got "1")'),
        ({"user_id": "ann", "k": "auto"}, "user_habit"),
        ({"user_id": "ann", "k": 1, "always": ["a", "b"]}, "always"),
        ({"user_id": "ann", "only": ["a"], "never": ["a"]}, "never"),
        ({"user_id": "ann", "only": "some"}, "only: Input should be 'mine', 'known' or 'any' (got \"some\"); only: "),
        ({"user_id": "ann", "language": "klingon"}, "language"),
        ({"user_id": "ann", "k": 101}, "k: 101 were given; at most 100 are accepted"),
        ({"user_id": 7}, "user_id: Input should be a valid string (got 7)"),
        ({"user_id": "ann", "timestamp": "soon"}, "soon"),
        ({"caption": "x" * 20_001}, "caption: 20,001 characters were given; at most 20,000 are accepted"),
        (
            {"user_id": "ann", "captoin": "sea"},
            "captoin: unknown key. Did you mean 'caption'? Accepted here: only, never, always, replace, language, k, "
            "minimum, maximum, include_caption_hashtags, explain, rerank, model, image, caption, user_id, timestamp, "
            'history. Its value: "sea".',
        ),
        (
            {"history": [{"hashtag": ["sea"]}]},
            "history.0.hashtag: unknown key. Did you mean 'hashtags'? Accepted here: caption, hashtags, timestamp, "
            'image. Its value: ["sea"].',
        ),
        ({"user_id": "ann", "history": [{"hashtags": "sea"}]}, "history.0.hashtags: Input should be a valid array"),
        ({"user_id": "ann", "history": [{}] * 1_001}, "history: 1,001 posts were given; at most 1,000 are accepted"),
        ({"user_id": "u" * 1_001}, "user_id: String should have at most 1000 characters"),
        ({"user_id": "ann", "never": ["x" * 1_001]}, "never.0: String should have at most 1000 characters"),
        ({"history": [{"hashtags": ["x"] * 1_001}]}, "history.0.hashtags: List should have at most 1000 items"),
        ({"history": [{"x": 1}] * 1_001}, "the body has 1,001 mistakes; see /docs for its schema"),
        ({"x" * 9_999: 1}, f"{'x' * 100}…: unknown key. Accepted here: only, "),
        ({"image": "https://example.org/a.jpg"}, "an address was given; no picture is fetched"),
        ({"image": "file:///etc/passwd"}, "an address was given; no picture is fetched"),
        ({"image": "/etc/passwd"}, "image"),
        ({"image": base64.b64encode(b"no picture").decode()}, "cannot be used"),
    ],
)  # fmt: skip
def test_values(client, body, message):
    refused(client().post("/recommend", json=body), 422, message)


def test_a_model_that_is_not_served(client):
    refused(
        client().post("/recommend", json={"user_id": "a", "model": "x"}), 404, "model 'x' is not served; accepted: "
    )
    answer = client().post("/recommend", json={"user_id": "a", "model": "x" * 10_000})
    assert len(refused(answer, 404, "…").text) < 400


@pytest.mark.parametrize(
    ("given", "status", "message"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "the body is not valid JSON"),
        ({"content": b"[" * 100_000, "headers": {"Content-Type": "application/json"}}, 400, "not valid JSON"),
        ({"content": b"\xff\xfe", "headers": {"Content-Type": "application/json"}}, 400, "not valid JSON"),
        ({"content": b"[]", "headers": {"Content-Type": "application/json"}}, 422, "body: Input should be an object"),
        ({"content": b"a=b"}, 415, "Content-Type is missing; accepted: application/json, multipart/form-data"),
        ({"data": {"caption": "x"}}, 415, "application/x-www-form-urlencoded; accepted: "),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "the form cannot be read"),
        ({"files": {"k": (None, "1" + "0" * 5_000)}}, 422, "k: give a whole number of at least 1, or auto"),
        ({"files": {"history": (None, "[1")}}, 422, "history: the list or object is not valid JSON"),
        ({"files": {"photo": b"x"}}, 422, "photo: a file was given; the picture is the field 'image'"),
        ({"files": [("k", (None, "1")), ("k", (None, "2"))]}, 422, "k: given twice"),
    ],
)  # fmt: skip
def test_bodies(client, given, status, message):
    refused(client().post("/recommend", **given), status, message)


@pytest.mark.parametrize("charset", ["undefined", "punycode"])
def test_a_charset_in_which_no_text_is(client, charset):
    body = b'--x\r\nContent-Disposition: form-data; name="user_id"\r\n\r\n\xff_.\r\n--x--\r\n'
    headers = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
    answer = client().post("/recommend", content=body, headers=headers)
    refused(answer, 400, "; send UTF-8.")


@pytest.mark.parametrize("route", ["/observe", "/feedback"])
def test_nothing_without_measure_is_kept(client, route):
    service = client()
    given = {"post_id": "p", "user_id": "a", **({"hashtags": ["x"]} if route == "/observe" else {"accepted": ["x"]})}
    assert service.post(route, json=given).status_code == 200
    for name, value in list(given.items()):
        much = ["x"] * 1_001 if isinstance(value, list) else "x" * 1_001
        refused(service.post(route, json={**given, name: much}), 422, f"{name}: ")


def test_a_form_that_holds_halves_of_characters(client):
    given = {"files": {"history": (None, '[{"\\ud83d": "\\ud83d"}]')}}
    refused(
        client().post("/recommend", **given), 422, "history.0: Input should be a valid string, unable to parse raw "
    )


def test_parameters_that_a_route_does_not_have(client):
    service = client()
    wrong = "modle: unknown parameter in the address. Did you mean 'model'? Accepted there: model. Its value: \"b\"."
    for path in ("/users/ann", "/rules/ann"):
        refused(service.get(path + "?modle=b"), 422, wrong)
        refused(service.delete(path + "?model=habit&modle=b"), 422, wrong)
    in_the_body = "k: unknown parameter in the address. None is accepted there; send a JSON body."
    for path in ("/recommend", "/recommend/batch", "/observe", "/feedback"):
        refused(service.post(path + "?k=3", json={"user_id": "ann"}), 422, in_the_body)
    assert service.get("/users/ann?model=habit").status_code == 200
    assert service.get("/health?probe=1").status_code == service.get("/metrics?collect=x").status_code == 200


@pytest.mark.parametrize("body", [{}, {"post_id": "p"}, {"hashtags": [], "caption": ""}, {"posts": [{}]}])
def test_nothing_to_remember(client, body):
    message = "nothing to remember; give at least one of image, caption, user_id and hashtags."
    refused(client().post("/observe", json=body), 422, message)


def test_feedback_that_contradicts_itself(client):
    given = {"post_id": "p", "user_id": "ann", "rejected": ["#Sea"]}
    for other in ("accepted", "added"):
        answer = client().post("/feedback", json={**given, other: ["sea"]})
        refused(answer, 422, f"rejected: 'sea' is also among {other}; take it out of one of them.")


def test_feedback_that_could_never_count(client):
    service = client()
    answer_id = service.post("/recommend", json={"caption": "low tide"}).json()["answer_id"]
    for given in ({"answer_id": answer_id}, {"post_id": "unknown"}):
        refused(service.post("/feedback", json={**given, "accepted": ["sea"]}), 422, "user_id: feedback counts for its")
        nothing = "no usable hashtag was accepted, rejected or added; give at least one."
        refused(service.post("/feedback", json={**given, "user_id": "ann"}), 422, nothing)
        refused(service.post("/feedback", json={**given, "user_id": "ann", "rejected": ["123"]}), 422, nothing)
        assert service.post("/feedback", json={**given, "user_id": "ann", "accepted": ["sea"]}).status_code == 200


def test_a_byte_order_mark_before_json_is_passed_over(client):
    body = b'\xef\xbb\xbf{"user_id": "ann"}'
    answer = client().post("/recommend", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200


def test_users_and_posts_of_no_name(client):
    service = client()
    rules = {"json": {"never": ["ad"]}}
    long = "user_id: String should have at most 1000 characters (got "
    refused(service.put("/rules/" + "u" * 1_001, **rules), 422, long)
    refused(service.get("/rules/" + "u" * 1_001), 422, long)
    assert service.put("/rules/" + "u" * 1_000, **rules).status_code == 200
    assert service.delete("/rules/" + "u" * 1_001).json() == {}  # kept by an earlier version
    for nothing, message in (
        ("", 'post_id: String should have at least 1 character (got "")'),
        (" ", "post_id: ' ' names no post; give the id of a post, or answer_id."),
        ("nan", "post_id: 'nan' names no post; give the id of a post, or answer_id."),
    ):
        given = {"post_id": nothing, "user_id": "ann", "accepted": ["sea"]}
        refused(service.post("/feedback", json=given), 422, message)


@pytest.mark.parametrize("route", ["/recommend", "/observe"])
def test_a_form_holds_one_post_with_one_picture(client, picture, route):
    service = client()
    remedy = "A form holds one post with one picture; send several posts as JSON, with their pictures in base64."
    two = [("image", ("1.png", picture)), ("image", ("2.png", picture))]
    refused(service.post(route, data={"user_id": "a"}, files=two), 422, f"image: given twice. {remedy}")
    refused(service.post(route, data={"user_id": "a"}, files=[*two, two[0]]), 400, remedy)
    posts = {"posts": '[{"user_id": "a"}, {"user_id": "b"}]'}
    refused(service.post(route, data=posts, files=two[:1]), 422, f"posts: {remedy}")
    assert service.post("/recommend", json={"user_id": "ann"}).status_code == 200


def test_sizes(client, picture):
    service = client(limits={"body_bytes": 2_000, "pixels": 700, "batch_posts": 2})
    refused(service.post("/recommend", json={"caption": "x" * 2_001}), 413, "more than 2,000 bytes")

    headers = {"Content-Type": "application/json"}
    unannounced = (b"x" * 1_000 for _ in range(5))
    refused(service.post("/recommend", content=unannounced, headers=headers), 413, "more than 2,000 bytes")
    refused(service.post("/recommend", files={"image": picture}), 422, "at most 700 are decoded")
    posts = [{"user_id": "a"}] * 3
    refused(service.post("/recommend/batch", json={"posts": posts}), 422, "posts: 3 were given; at most 2")
    refused(service.post("/observe", json={"posts": posts}), 422, "posts: 3 were given; at most 2")
    assert service.post("/recommend", json={"user_id": "ann"}).status_code == 200


def test_small_files_of_many_pixels(client):
    service, file = client(limits={"request_pixels": 200 * 100 + 1}), io.BytesIO()
    Image.new("L", (200, 100)).save(file, "PNG")
    large = base64.b64encode(file.getvalue()).decode()
    asked = [{"image": large}] * 3
    message = "image: the pictures of a request have over 20,001 pixels; send fewer at a time"
    first, second, third = service.post("/recommend/batch", json={"posts": asked}).json()["answers"]
    assert len(first["recommendations"]) == len(second["recommendations"]) == 5
    assert third == {"error": {"status": 422, "message": message + "."}}
    refused(service.post("/recommend", json={"user_id": "a", "history": asked}), 422, message)
    refused(service.post("/observe", json={"posts": [{"hashtags": ["a"], **one} for one in asked]}), 422, message)
    assert service.post("/recommend", json={"user_id": "a", "history": asked[:2]}).status_code == 200


def test_many_malformed_pictures(client):
    service = client()
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    whole = file.getvalue()
    for number in range(200):
        cut = whole[: 8 + number % (len(whole) // 2)]
        assert service.post("/recommend", files={"image": cut}).status_code == 422
    assert service.post("/recommend", files={"image": whole}).status_code == 200


def test_more_hashtags_than_there_are(client, habit_run):
    recommender = Recommender.from_pretrained(habit_run)
    most = len(recommender.recommend_many([{"user_id": "ann"}], 10**6, on_short="fewer")[0])
    service = client(limits={"hashtags": 10**6})
    answer = service.post("/recommend", json={"user_id": "ann", "k": most + 1})
    refused(answer, 422, f"only {most} can be recommended")
    answer = service.post("/recommend", json={"user_id": "ann", "k": most})
    assert len(answer.json()["recommendations"]) == most, answer.text


def test_the_key(client):
    service = client(api_key="sésame")
    for headers in ({}, {"X-API-Key": ""}, {"X-API-Key": "wrong"}):
        refused(service.get("/models", headers=headers), 401, "the API key in the header X-API-Key is missing or wrong")
        refused(service.post("/recommend", json={"user_id": "a"}, headers=headers), 401, "API key")
        refused(service.post("/recommend/batch", json={"posts": []}, headers=headers), 401, "API key")
    assert service.get("/health").status_code == service.get("/ready").status_code == 200
    for sent in ("sésame".encode(), "sésame".encode("latin-1")):
        for answer in (
            service.get("/models", headers={"X-API-Key": sent}),
            service.post("/recommend", json={"user_id": "a"}, headers={"X-API-Key": sent}),
        ):
            assert answer.status_code == 200, answer.text


def test_no_such_route(client):
    refused(client().get("/nothing"), 404, "GET /nothing: Not Found; /docs lists the routes.")
    refused(client().get("/recommend"), 405, "GET /recommend: Method Not Allowed; /docs lists the routes.")


def test_a_memory_that_is_away(client, monkeypatch):
    service = client()

    def away(*given, **named):
        raise StoreUnavailableError("the log is away")

    monkeypatch.setattr(Recommender, "observe", away)
    answer = refused(service.post("/observe", json={"user_id": "a", "hashtags": ["x"]}), 503, "the log is away")
    assert answer.headers["Retry-After"] == "1"


def test_a_mistake_of_the_program_is_logged_and_not_told(client, monkeypatch, caplog):
    service = client()

    def broken(*given, **named):
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(Recommender, "recommend", broken)
    answer = refused(service.post("/recommend", json={"user_id": "a"}), 500, "the service made a mistake")
    assert "secret" not in answer.text
    assert answer.headers["X-Request-Id"] in caplog.text
