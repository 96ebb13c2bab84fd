"""The report of a run: self-contained, escaped, complete, with figures that are those of the evaluation."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from data_loaders.errors import UserError
from multimodal.audit.run import audit_run
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.evaluation.report.gallery import choose
from multimodal.evaluation.report.gallery_html import _age
from multimodal.evaluation.report.history import earlier_posts
from multimodal.evaluation.report.parts import Html, escape, shortened, table
from multimodal.evaluation.report.svg import Axis, Series, bar_chart, dot_rows, line_chart, scatter
from multimodal.evaluation.report.thumbnails import thumbnail
from multimodal.evaluation.report.write import write_report
from multimodal.systems.config_loading import validate_config
from multimodal.training.run import train_run

SECTIONS = ("subject", "metrics", "figures", "which-k", "slices", "errors", "audit", "gallery")
NASTY = "<script>alert(1)</script> & \"quoted\" <img src=x onerror='y'> \x00\ud83d"


class Page(HTMLParser):
    """Collects elements and checks that they are closed in order."""

    VOID = ("meta", "img", "br", "link", "input")

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.ids, self.text = [], [], set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        self.ids.add(attributes.get("id"))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reported") / "habit"
    train_run(validate_config({"system": "user_habit"}), tiny_data, folder)
    return folder


@pytest.fixture(scope="module")
def nasty_data(tiny_data):
    """The tiny data with captions that hold HTML in the test split."""
    from copy import copy

    data = copy(tiny_data)
    data.posts = [
        replace(post, caption=NASTY, user_id=post.user_id and f"<b>{post.user_id}") if number >= 108 else post
        for number, post in enumerate(tiny_data.posts)
    ]
    return data


@pytest.fixture(scope="module")
def written(run, nasty_data):
    evaluated = evaluate_run(run, nasty_data, ks=range(1, 6))
    audit_run(run, nasty_data, posts=4)
    paths = write_report(run, nasty_data, evaluated.folder)
    return evaluated, {path.name: path for path in paths}


@pytest.fixture(scope="module")
def html(written):
    return written[1]["report.html"].read_text(encoding="utf-8")


def test_nothing_has_to_be_fetched_and_nothing_runs(html):
    page = Page(html)
    assert not page.open
    assert not re.search(r"https?://|url\(|@import|src=\"(?!data:)", html)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "form"}
    assert all(
        attributes["src"].startswith("data:image/jpeg;base64,") for tag, attributes in page.elements if tag == "img"
    )
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert all(attributes["href"].startswith("#") for tag, attributes in page.elements if tag == "a")


def test_captions_and_users_show_as_they_are(html):
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quoted&quot;" in html
    assert "&lt;b&gt;user" in html
    assert "\x00" not in html


def test_all_sections_are_there_and_linked(html):
    page = Page(html)
    assert set(SECTIONS) <= page.ids
    links = [attributes["href"][1:] for tag, attributes in page.elements if tag == "a"]
    assert links == list(SECTIONS)
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.elements
    assert "prefers-color-scheme:dark" in html
    text = " ".join(page.text)
    for part in ("user_habit", "rolling", "Best posts", "Worst posts", "Most confused pairs", "saved scores, 10 a post",
                 "shuffled truth falls to chance", "Confusion of each hashtag", "cosine"):  # fmt: skip
        assert part in text, part


def test_figures_are_those_of_the_evaluation(written, html):
    evaluation = written[0].evaluation
    best = evaluation.best_k()
    assert f"<b>{evaluation.at(best)['f1']:.3f}</b><span>F1@{best}</span>" in html
    row = re.search(rf'<tr class="best"><td class="">{best}</td>.*?</tr>', html)
    assert row is not None
    assert f">{evaluation.at(best)['hit_rate']:.3f}<small>" in row[0]


def test_tables_for_a_paper(written):
    evaluated, paths = written
    f1 = f"{evaluated.evaluation.at(3)['f1']:.3f}".removeprefix("0")
    markdown = paths["report.md"].read_text()
    latex = paths["table.tex"].read_text()
    assert f"| {f1} [" in markdown
    assert f"& {f1} [" in latex
    assert r"\toprule" in latex
    assert "user\\_habit" in latex
    assert "## Leak audit" in markdown
    intervals = pd.read_csv(paths["intervals.csv"])
    assert intervals.query("k == 3 and metric == 'f1'")["value"].iloc[0] == pytest.approx(
        evaluated.evaluation.at(3)["f1"]
    )
    assert {"hashtags.csv", "curves.csv", "confused_pairs.csv", "calibration.csv"} <= set(paths)


def test_made_again_it_is_the_same(run, nasty_data, written, html):
    write_report(run, nasty_data, written[0].folder)
    assert written[1]["report.html"].read_text(encoding="utf-8") == html


def test_frozen_without_slices_and_audit(run, tiny_data):
    evaluated = evaluate_run(run, tiny_data, ks=[2], history="frozen", slices=False)
    (path,) = [path for path in write_report(run, tiny_data, evaluated.folder, "users") if path.suffix == ".html"]
    text = path.read_text(encoding="utf-8")
    assert re.search(r"bootstrap over \d+ users", text)
    assert "run python scripts/audit.py" in text
    assert "Not worked out" in text


def test_without_an_evaluation_it_says_how_to_make_one(run, tiny_data, tmp_path):
    with pytest.raises(UserError, match="holds no evaluation; make it: python scripts/evaluate"):
        write_report(run, tiny_data, tmp_path)


def test_best_worst_and_random_posts_do_not_overlap():
    scores = np.linspace(0, 1, 40)
    chosen = choose(scores, np.full(40, 3))
    assert sorted(chosen["best"]) == list(range(34, 40))
    assert sorted(chosen["worst"]) == list(range(6))
    rows = [row for part in chosen.values() for row in part]
    assert len(rows) == len(set(rows)) == 18
    assert choose(scores, np.full(40, 3)) == chosen
    few = choose(np.array([0.5, 0.1, 0.3]), np.ones(3, int))
    assert few["best"][0] == 0
    assert few["worst"] == [1]


def test_earlier_posts_are_strictly_earlier_and_of_the_user(run, tiny_data):
    from multimodal.systems.model_folder import load_model

    posts = tiny_data.split("test")[:4]
    found = earlier_posts(load_model(run).system, posts, tiny_data.posts)
    for post, entries in zip(posts, found, strict=True):
        own = [
            other for other in tiny_data.posts if other.user_id == post.user_id and other.instant_us < post.instant_us
        ]
        expected = [] if post.user_id is None else own[::-1][:3]
        assert [entry.post.post_id for entry in entries] == [other.post_id for other in expected]
        assert all(entry.days > 0 for entry in entries)


def test_pictures_travel_inside_the_page(tiny_data):
    with_picture = tiny_data.posts[0]
    assert thumbnail(with_picture).startswith("data:image/jpeg;base64,")
    assert thumbnail(replace(with_picture, image=None)) is None
    assert thumbnail(replace(with_picture, image=with_picture.image.with_name("gone.png"))) is None


@pytest.mark.parametrize(
    ("days", "text"),
    [(None, "earlier"), (400.2, "400 days before"), (1.2, "1 day before"), (0.5, "12 hours before"),
     (0.0425, "1 hour before"), (0.003, "4 minutes before"), (1e-5, "less than a minute before")],
)  # fmt: skip
def test_ages_read_well(days, text):
    assert _age(days) == text


def test_text_is_escaped_and_cut():
    assert escape("<a & 'b'>") == "&lt;a &amp; &#x27;b&#x27;&gt;"
    assert escape(Html("<b>x</b>")) == "<b>x</b>"
    assert escape("a\x07b") == "a b"
    assert shortened("one  two\nthree", 9) == "one two…"
    assert "&lt;i&gt;" in table(["<i>"], [["<i>"]])


def test_charts_hold_what_they_are_given():
    axis = Axis("x & y", 0, 1)
    chart = line_chart([Series("a<b", [0, 0.5, 1], [0, np.nan, 1], [0, 0, 0], [1, 1, 1])], axis, axis, markers=True)
    assert chart.count("<circle") == 2
    assert "a&lt;b" in chart
    assert "x &amp; y" in chart
    assert bar_chart(["u", "v"], [("one", [1, float("nan")]), ("two", [0, 1])], axis, "", "bars").count("<rect") == 6
    assert dot_rows([("a", 0.5, 0.4, 0.6), ("b", float("nan"), 0, 0)], axis, 0.5, "dots").count("<circle") == 1
    assert "<title>&lt;t&gt;</title>" in scatter([(10, 0.5, 3, "<t>")], Axis("", 1, 100, log=True), axis, "points")
    assert Axis("", 1, 1000, log=True).ticks() == [1, 10, 100, 1000]
    assert Axis("", 0, 1).ticks(5) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]


def test_long_lines_are_thinned_out():
    x = np.linspace(0, 1, 5_000)
    points = re.search(r'points="([^"]*)"', line_chart([Series("a", x, x)], Axis("", 0, 1), Axis("", 0, 1)))
    assert points is not None
    assert len(points[1].split()) == 240
