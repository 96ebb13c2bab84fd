"""The report of a run: self-contained, escaped, complete, with figures that are those of the evaluation."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup

from data_loaders.errors import UserError
from data_loaders.posts import Post
from multimodal.audit.run import audit_run
from multimodal.evaluation.files.text_table import percent
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.evaluation.report.gallery import GalleryPost, choose
from multimodal.evaluation.report.history import EarlierPost, earlier_posts
from multimodal.evaluation.report.inputs import read_inputs
from multimodal.evaluation.report.page import environment, page
from multimodal.evaluation.report.tables import Table, data_table, with_interval
from multimodal.evaluation.report.text import clean_text, number, shortened
from multimodal.evaluation.report.thumbnails import thumbnail
from multimodal.evaluation.report.write import write_report
from multimodal.systems.config_loading import validate_config
from multimodal.training.run import train_run

SECTIONS = ("subject", "metrics", "figures", "which-k", "slices", "errors", "audit", "gallery")
NASTY = "<script>alert(1)</script> & \"quoted\" <img src=x onerror='y'> ]]> \x00\ud83d"
NASTY_SHOWN = NASTY.replace("\x00\ud83d", "").strip()


class Page(HTMLParser):
    """Collects elements and checks that they are closed in order."""

    VOID = ("meta", "img", "br", "link", "input")

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.ids, self.text = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]

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
    """The tiny data with captions and user ids that hold HTML in the test split."""
    from copy import copy

    data = copy(tiny_data)
    data.posts = [
        replace(post, caption=NASTY, user_id=post.user_id and f"<b>{post.user_id}") if row >= 108 else post
        for row, post in enumerate(tiny_data.posts)
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
    parsed = Page(html)
    assert not parsed.open
    assert not re.search(r"https?://|url\((?!#)|@import|src=\"(?!data:)", html)
    tags = {tag for tag, _ in parsed.elements}
    assert not tags & {"script", "link", "iframe", "object", "form"}
    assert all(
        attributes["src"].startswith("data:image/jpeg;base64,") for tag, attributes in parsed.elements if tag == "img"
    )
    assert not any(name.startswith("on") for _, attributes in parsed.elements for name in attributes)
    assert all(attributes["href"].startswith("#") for _, attributes in parsed.elements if "href" in attributes)
    assert len(parsed.ids) == len(set(parsed.ids))


def test_captions_hashtags_and_users_show_as_they_are(html):
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;quoted&#34;" in html
    assert "&lt;b&gt;user" in html
    assert "\x00" not in html
    parsed = Page(html)
    assert NASTY_SHOWN in "".join(parsed.text)
    alts = [attributes["alt"] for tag, attributes in parsed.elements if tag == "img"]
    assert any(alt.startswith('Picture of the post: <script>alert(1)</script> & "quoted" <img') for alt in alts)


def test_every_other_text_is_escaped_too(written, nasty_data):
    inputs = read_inputs(written[0].folder, nasty_data)
    errors, slices = inputs.errors, inputs.slices
    hashtags = errors.hashtags.assign(hashtag=NASTY_SHOWN)
    pairs = pd.DataFrame([{"missed": NASTY_SHOWN, "instead": NASTY_SHOWN, "posts": 1, "share": 0.5, "lift": 2.0}])
    curves = [replace(curve, name=NASTY) for curve in errors.curves]
    settings = {**inputs.settings, **dict.fromkeys(("system", "run", "data", "split", "history", "seed"), NASTY)}
    finding = {"name": NASTY, "status": NASTY, "measured": NASTY, "remedy": NASTY}
    audit = {"verdict": NASTY, "settings": {"posts": NASTY}, "findings": [finding]}
    changed = {"errors": replace(errors, hashtags=hashtags, pairs=pairs, curves=curves), "settings": settings}
    shown = Page(page(replace(inputs, slices=slices.assign(slice=NASTY_SHOWN), audit=audit, **changed), {}))
    assert not {"script", "img"} & {tag for tag, _ in shown.elements}
    assert not any(name.startswith("on") for _, attributes in shown.elements for name in attributes)
    assert "".join(shown.text).count(NASTY_SHOWN) > 60


def test_all_sections_are_there_and_linked(html):
    parsed = Page(html)
    assert set(SECTIONS) <= set(parsed.ids)
    links = [attributes["href"][1:] for tag, attributes in parsed.elements if tag == "a"]
    assert links == list(SECTIONS)
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in parsed.elements
    assert "prefers-color-scheme:dark" in html
    text = " ".join(parsed.text)
    for part in ("user_habit", "rolling", "Best posts", "Worst posts", "10 saved scores of each post",
                 "Most confused pairs", "shuffled truth falls to chance", "Confusion of each hashtag",
                 "cosine"):  # fmt: skip
        assert part in text, part


def test_figures_are_those_of_the_evaluation(written, html):
    evaluation = written[0].metrics
    best = evaluation.best_k()
    assert f"<b>{evaluation.at(best)['f1']:.3f}</b><span>F1@{best}</span>" in html
    row = re.search(rf'<tr class="best"><td>{best}</td>.*?</tr>', html)
    assert row is not None
    assert f">{evaluation.at(best)['hit_rate']:.3f}<small>" in row[0]


def test_tables_for_a_paper(written):
    evaluated, paths = written
    f1 = f"{evaluated.metrics.at(3)['f1']:.3f}"
    markdown = paths["report.md"].read_text()
    latex = paths["table.tex"].read_text()
    assert f"| {f1} [" in markdown
    assert f"& {f1} [" in latex
    assert r"\toprule" in latex
    assert "user\\_habit" in latex
    assert "## Leak audit" in markdown
    intervals = pd.read_csv(paths["intervals.csv"])
    assert intervals.query("k == 3 and metric == 'f1'")["value"].iloc[0] == pytest.approx(evaluated.metrics.at(3)["f1"])
    assert {"hashtags.csv", "curves.csv", "confused_pairs.csv", "calibration.csv"} <= set(paths)


def test_made_again_it_is_the_same(run, nasty_data, written, html):
    write_report(run, nasty_data, written[0].folder)
    assert written[1]["report.html"].read_text(encoding="utf-8") == html


def test_frozen_without_slices_and_audit(run, tiny_data):
    evaluated = evaluate_run(run, tiny_data, ks=[2], history="frozen", slices=False)
    (path,) = [path for path in write_report(run, tiny_data, evaluated.folder, "users") if path.suffix == ".html"]
    text = path.read_text(encoding="utf-8")
    assert re.search(r"bootstrap over \d+ users", text)
    assert "Not run. Audit the run, then evaluate again: multimodal-hashtags audit --run" in text
    assert "Not computed. Evaluate without --no-slices: multimodal-hashtags evaluate --run" in text


def test_without_an_evaluation_it_says_how_to_make_one(run, tiny_data, tmp_path):
    with pytest.raises(
        UserError, match=r"does not hold an evaluation\. Evaluate the run: multimodal-hashtags evaluate"
    ):
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
    assert EarlierPost(Post(post_id="p"), None, days).age == text


def test_a_table_escapes_its_cells_and_marks_the_best_row():
    render = environment().from_string('{% from "macros.html.j2" import table %}{{ table(content) }}').render
    content = Table(["<i>", "F1"], [["Group &"], ["<i>", with_interval(0.5, 0.4, 0.6)], ["b", "–"]], best=1)
    html = render(content=content)
    assert html.count("&lt;i&gt;") == 2
    assert '<td colspan="2">Group &amp;</td>' in html
    assert '<tr class="best"><td class="text">&lt;i&gt;</td><td>0.500<small>0.400–0.600</small></td></tr>' in html
    assert "swipe" not in html
    assert "swipe sideways" in render(content=Table(["a"] * 5, []))


def test_a_card_escapes_whatever_a_post_holds():
    post = Post(post_id="p", caption=NASTY, user_id='"><u>', hashtags=("]]><b>", "missed'"))
    earlier = EarlierPost(Post(post_id="q", caption="<em>", hashtags=("]]><b>",)), 0.5, None)
    shown = GalleryPost(post, 0.25, [("]]><b>", "right"), ("<s>", "near")], ["missed'"], 0.75, [earlier])
    template = environment().get_template("gallery.html.j2")
    parsed = Page(template.render(inputs={"error_k": 3}, near_from=0.2, gallery={"best": [shown]}))
    assert not {"script", "img", "u", "em", "s"} & {tag for tag, _ in parsed.elements}
    text = " ".join("".join(parsed.text).split())
    for part in (NASTY_SHOWN, '"><u>', "✓ #]]><b>", "≈ #<s>", "– #missed'", "NDCG@3 0.25", "similarity 0.50",
                 "no picture", "stand-in for a picture 75 %", "<em>"):  # fmt: skip
        assert part in text, part


def test_markup_stays_markup_and_characters_that_html_forbids_become_spaces():
    render = environment().from_string("{{ value }}").render
    assert render(value=Markup("<b>x</b>")) == "<b>x</b>"
    assert render(value="<a & 'b'>") == "&lt;a &amp; &#39;b&#39;&gt;"
    assert render(value="a\x07b\ud83d") == "a b "
    assert clean_text(5) == "5"


def test_texts_and_numbers():
    assert shortened("one  two\nthree", 9) == "one two…"
    assert (number(None), number(1234.5, 1), number(float("nan"))) == ("–", "1,234.5", "–")
    assert (percent(0.954), percent(0.954, 1), percent(float("nan"))) == ("95 %", "95.4 %", "–")
    assert with_interval(0.5, float("nan"), float("nan")) == "0.500"


def test_a_data_frame_as_a_table():
    table = data_table(pd.DataFrame({"a_name": ["x", "y"], "count": [1000, 2], "f1": [0.5, np.nan]}))
    assert (table.headings, table.text) == (["a name", "count", "f1"], [0])
    assert table.rows == [["x", "1,000", "0.500"], ["y", "2", "–"]]
