"""From what is given to the query that a System ranks for."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np
import pytest
from PIL import Image

from data_loaders.errors import DataError
from data_loaders.posts import Post
from multimodal.systems.queries import is_now, moment, read_posts, to_history_post, to_queries, to_query, usable_image

NOW = datetime(2024, 5, 1, tzinfo=timezone.utc)
POST = Post(post_id="p", user_id="ann", caption="Off to the #Sea", hashtags=("own",))


class TestQuery:
    def test_loses_its_hashtags_and_names_those_of_the_caption(self):
        query, excluded = to_query(POST)
        assert query == Post(post_id="p", user_id="ann", caption="Off to the")
        assert excluded == {"sea"}
        assert to_query(POST, include_caption_hashtags=True)[1] == frozenset()
        assert to_queries([POST, POST]) == ([query] * 2, [excluded] * 2)

    def test_gets_a_timestamp_only_where_it_is_written_now(self):
        assert is_now(POST)
        assert to_query(POST, now=NOW)[0].timestamp == NOW
        for post in (Post(post_id="d", timestamp=moment(7)), Post(post_id="s", sequence=3)):
            assert not is_now(post)
            assert to_query(post, now=NOW)[0] == post

    def test_what_is_given_stays_as_it_is(self):
        before = repr(POST)
        to_query(POST, now=NOW)
        assert repr(POST) == before

    @pytest.mark.parametrize("form", [to_query, to_history_post])
    def test_a_picture_is_opened_early_where_nothing_else_opens_it(self, form, tmp_path):
        post = Post(post_id="p", image=tmp_path / "no.jpg")
        form(post)
        with pytest.raises(DataError, match="there is no such file"):
            form(post, check_image=True)


class TestHistoryPost:
    def test_loses_its_own_hashtags_where_they_are_glued_to_words(self):
        glued = Post(post_id="p", caption="vibes#sunset now", hashtags=("sunset",))
        assert to_history_post(glued).caption == "vibes now"
        assert to_query(glued)[0].caption == "vibes#sunset now"  # an input must not depend on the truth

    def test_hashtags_of_the_caption_count_where_there_are_no_others(self):
        assert to_history_post(POST) == Post(post_id="p", user_id="ann", caption="Off to the", hashtags=("own",))
        bare = Post(post_id="p", caption="#sea #SKY")
        assert to_history_post(bare, timestamp=NOW) == Post(
            post_id="p", caption="", hashtags=("sea", "sky"), timestamp=NOW
        )

    def test_a_hashtag_that_was_cut_off_with_the_caption_does_not_count(self):
        cut = Post(post_id="p", caption="RT @ann: low #tide at #sunse…")
        kept = to_history_post(cut)
        assert (kept.caption, kept.hashtags) == ("RT @ann: low at …", ("tide",))
        query, excluded = to_query(cut)
        assert (query.caption, excluded) == ("RT @ann: low at …", {"tide"})


class TestPicture:
    def test_can_be_opened_again(self):
        assert usable_image(None) is None
        assert usable_image("some/path.jpg") == "some/path.jpg"
        assert usable_image(bytearray(b"ab")) == b"ab"
        picture = Image.new("RGB", (4, 4))
        copy = usable_image(picture)
        assert copy is not picture
        assert np.array_equal(np.asarray(copy), np.asarray(picture))

    def test_other_types_are_refused_at_once(self):
        with pytest.raises(DataError, match="image given as int cannot be used"):
            usable_image(3)


@pytest.mark.parametrize("word", ["nan", "NaN", "None", "<NA>", "NA", "undefined"])
def test_a_word_for_nobody_is_nobody(word):
    """As in `prepare`: otherwise all who have no id share one history."""
    (post,) = read_posts({"user_id": word, "caption": word}, "post")
    assert (post.user_id, post.caption) == (None, word)
