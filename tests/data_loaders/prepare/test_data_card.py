"""The data card and its figures."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_loaders.posts import Post
from data_loaders.prepare.data_card import data_card, table
from data_loaders.prepare.plots import PLOTS, draw_plots
from data_loaders.prepare.reading.columns import ColumnsBuilder
from data_loaders.prepare.reading.joining import join
from data_loaders.prepare.statistics import describe_posts
from data_loaders.prepare.vocabulary import Vocabulary

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def index_of(count, dated=True, caption="words"):
    builder = ColumnsBuilder()
    for number in range(count):
        when = START + timedelta(days=40 * number) if dated else None
        builder.add(Post(post_id=str(number), user_id="ann", timestamp=when, caption=caption, hashtags=("a|b",)))
    return join([builder.columns()]).index


@pytest.mark.parametrize(
    "dated, caption, missing",
    [
        (True, "words", set()),
        (False, "words", {"posts_per_month.png", "tags_per_post_by_year.png"}),
        (True, None, {"caption_length.png"}),
    ],
)
def test_the_figures_that_the_data_allows_are_drawn(tmp_path, dated, caption, missing):
    drawn = draw_plots(index_of(10, dated, caption), np.arange(10) % 3, tmp_path / "plots")
    assert set(drawn) == set(PLOTS) - missing
    for name in drawn:
        with Image.open(tmp_path / "plots" / name) as figure:
            assert figure.width > 500
            assert len(set(figure.convert("L").tobytes())) > 10


@pytest.mark.parametrize(
    "top, rule",
    [
        (None, "those of at least 2 train posts (asked for)"),
        (50, "the 50 most frequent of train in at least 2 posts (asked for)"),
    ],
)
@pytest.mark.parametrize("dated", [True, False])
def test_the_card_tells_what_the_statistics_hold(dated, top, rule):
    index, split_ids = index_of(10, dated), np.array([0] * 8 + [1, 2])
    cuts = ["2024-11-16", "2024-12-26"] if dated else []
    statistics = {
        "format_version": 1,
        "source": {"path": "posts.csv", "format": "csv"},
        "seed": 7,
        "split": {"method": "time", "reason": "asked for", "fractions": [0.8, 0.1, 0.1],
                  "moved_with_near_duplicates": 3, "validation_and_test_begin": cuts},
        "selection": {"top_hashtags": top},
        "notes": ["Mind the gap."],
        "rejected": {"refused": {"malformed_json": 2}, "kept": {"image_empty": 1}},
        **describe_posts(index, split_ids, np.arange(10), Vocabulary(("a|b",), (8,), 2)),
    }  # fmt: skip
    statistics["vocabulary"]["rule"] = "asked for"
    card = data_card(statistics, ["tags_per_post.png"])
    assert "Prepared from `posts.csv` (csv).\n\n> Mind the gap." in card
    assert f"The vocabulary has 1 hashtags: {rule}." in card
    assert "| malformed_json | 2 | refused |" in card
    assert "| image_empty | 1 | post kept |" in card
    assert "which moved 3 posts" in card
    assert "![Hashtags per post](plots/tags_per_post.png)" in card
    assert ("Validation begins at 2024-11-16" in card) == dated
    assert ("| test | 1 | 1 | undated |" in card) != dated
    assert Path(PLOTS["tags_per_post.png"]).suffix == ""


def test_a_table_by_hand():
    assert table(("a", "b"), [(1, "x|y")]) == "| a | b |\n| --- | --- |\n| 1 | x\\|y |"
