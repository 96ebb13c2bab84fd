"""Which picture a record names, in all the ways that dumps name pictures."""

import base64

import pytest

from data_loaders.readers.image_field import read_image

PNG = b"\x89PNG\r\n\x1a\n\0\0"


def read(value, root):
    warnings = []
    return read_image(value, root, warnings), warnings


@pytest.fixture
def dump(tmp_path):
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(PNG)
    return tmp_path


@pytest.mark.parametrize(
    "value",
    [
        "1.png",
        b"1.png",
        ["1.png", "2.png"],
        ("1.png",),
        [None, "", "http://x.org/a.jpg", "gone.png", "1.png"],
        {"path": "1.png", "bytes": None},
        [{"path": "1.png"}, {"path": "2.png"}],
        {"file_name": "1.png"},
        '["1.png", "2.png"]',
        "['1.png', '2.png']",
        '{"path": "1.png", "bytes": null}',
        '[{"url": "1.png"}]',
        "1.png,2.png",
        "gone.JPG ; 1.png;2.png",
        "gone.heic|1.png",
        "1.png 2.png",
        "1.png;",
        "away/1.jpeg\n1.png,",
        b"1.png, 2.png",
        ["1.png,2.png"],
    ],
)
def test_the_first_picture_that_can_be_used(dump, value):
    assert read(value, dump) == (dump / "1.png", [])


@pytest.mark.parametrize("value", [None, "", "  ", [], [None], {"path": None, "bytes": None}, float("nan"), b"", "[]"])
def test_no_picture(dump, value):
    picture, warnings = read(value, dump)
    assert picture is None
    assert warnings == [] or "Accepted: a path as text, or null" in warnings[0]


LONG = PNG + bytes(100)
ENCODED = base64.b64encode(LONG).decode()


@pytest.mark.parametrize(
    "value",
    [
        f"data:image/png;base64,{ENCODED}",
        ENCODED,
        base64.encodebytes(LONG).decode(),
        {"bytes": ENCODED, "path": "x.png"},
        [f" data:image/svg+xml;base64,{ENCODED}\n", "1.png"],
        f'["{ENCODED}"]',
    ],
)
def test_the_content_of_a_picture_in_base64(dump, value):
    assert read(value, dump) == (LONG, [])


@pytest.mark.parametrize("value", ["/9j/a.jpg", "iVBORw0KGgo", "iVBORw0KGgo/" + "x" * 200 + ".png"])
def test_paths_that_begin_like_base64_are_paths(dump, value):
    picture, _ = read(value, dump)
    assert not isinstance(picture, bytes)


def test_paths_as_parts_of_addresses(dump):
    (dump / "b c.png").write_bytes(PNG)
    (dump / "d%20e.png").write_bytes(PNG)
    assert read("b%20c.png", dump) == (dump / "b c.png", [])
    assert read("d%20e.png", dump) == (dump / "d%20e.png", [])
    assert read(f"file://{dump}/b%20c.png", dump) == (dump / "b c.png", [])
    assert read("gone%20.png", dump) == (dump / "gone%20.png", [])
    picture, (warning,) = read("file:///etc/passwd", dump)
    assert picture is None
    assert warning.startswith("image_outside_dump: '/etc/passwd' is ignored; accepted: a path inside the dump")


@pytest.mark.parametrize("value", [PNG, {"bytes": PNG, "path": "x.png"}, [{"bytes": PNG, "path": None}, "1.png"]])
def test_the_content_of_a_picture(dump, value):
    assert read(value, dump) == (PNG, [])


@pytest.mark.parametrize("name", ["a, b.png", "1.png,2.png.png", "1.png,x.png", "my 1.png", "1.png.bak, 2"])
def test_a_name_with_a_comma_or_a_blank_is_one(dump, name):
    (dump / name).write_bytes(PNG)
    assert read(name, dump) == (dump / name, [])


def test_several_in_a_cell_of_which_none_is_there_name_the_first(dump):
    assert read("gone.png,away.png", dump) == (dump / "gone.png", [])
    assert read("../gone.png,2.png", dump) == (dump / "2.png", [])
    assert read("https://x.org/a.jpg,https://x.org/b.jpg", dump)[1][0].startswith(
        "image_outside_dump: 'https://x.org/a"
    )
    assert read("a.png," * 100_000 + "1.png", dump)[1][0].startswith("image_path_unusable: 'a.png,a.png")


def test_a_list_without_any_picture_names_the_first_that_is_missing(dump):
    assert read(["gone.png", "away.png"], dump) == (dump / "gone.png", [])


@pytest.mark.parametrize(
    "value, text",
    [
        (3, "image_path_unusable: image is a number, 3. Accepted: a path as text, or null."),
        (True, "image_path_unusable: image is a boolean, True."),
        ({"width": 3}, "image_path_unusable: image is an object, {'width': 3}."),
        ([[], [3]], "image_path_unusable: image is a number, 3."),
        (["../a.jpg", "../b.jpg"], "image_outside_dump: '../a.jpg' is ignored; accepted: a path inside the dump"),
        ("https://x.org/a.jpg", "image_outside_dump: 'https://x.org/a.jpg' is ignored; pictures are not downloaded"),
        ("a/" * 200_000, "image_path_unusable: 'a/a/a/a/"),
        ("a\0b", "image_path_unusable: 'a\\x00b' is ignored"),
    ],
)
def test_what_cannot_be_used_costs_the_picture(dump, value, text):
    picture, (warning,) = read(value, dump)
    assert picture is None
    assert warning.startswith(text)


def test_a_long_list_and_a_long_name_are_no_trouble(dump):
    assert read(["gone.png"] * 100_000 + ["1.png"], dump)[0] == dump / "gone.png"
    for name in ("n" * 5_000 + ".jpg", "[" * 100_000 + "]" * 100_000):
        picture, (warning,) = read(name, dump)
        assert picture is None
        assert len(warning) < 200
