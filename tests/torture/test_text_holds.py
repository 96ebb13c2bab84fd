"""No hashtag of a post stays in its caption, no other word is lost, and every way to write a list is read alike."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from text_strategies import TAGS, captions, plain_tags, thick_texts, written_lists

from data_loaders.errors import DataError
from data_loaders.text.captions import clean_caption
from data_loaders.text.hashtags import canonical_list, extract, find_listed, normalise, remove_hashtags
from data_loaders.text.tag_lists import read_tag_list

hold = settings(derandomize=True, deadline=None, max_examples=200)
PROFILES = ("plain", "tweet", "tweet_inline_words")


@hold
@given(captions())
def test_listed_hashtags_leave_the_caption_however_they_stand_in_it(given_caption):
    caption, listed = given_caption
    left = remove_hashtags(caption, listed)
    assert find_listed(left, listed) == []
    assert extract(left) == []
    assert remove_hashtags(left, listed) == left
    folded = left.casefold()
    assert not any("#" + tag.casefold() in folded or "＃" + tag.casefold() in folded for tag in listed)


@hold
@given(thick_texts(), st.lists(st.sampled_from([*TAGS, "tag", "a", "话题"]), max_size=3))
def test_removing_again_changes_nothing(text, listed):
    left = remove_hashtags(text, listed)
    assert remove_hashtags(left, listed) == left
    assert extract(left) == []
    assert find_listed(left, listed) == []


@hold
@given(thick_texts(), st.sampled_from(PROFILES))
def test_cleaning_again_changes_nothing(text, profile):
    once = clean_caption(text, profile)
    assert clean_caption(once, profile) == once
    assert extract(once) == []


@hold
@given(st.lists(st.sampled_from(["море", "sunset", "海に行った", "don't", "C#", "10%", "(see)", "and/or"]), max_size=8))
def test_words_without_hashtags_are_kept(words):
    text = " ".join(words)
    assert remove_hashtags(text, ["sunset", "море", "and"]) == text
    assert clean_caption(text) == text


@hold
@given(plain_tags())
def test_every_way_to_write_a_list_is_read_alike(tags):
    wanted = [normalise(tag) for tag in tags]
    for way, written in written_lists(tags).items():
        assert list(canonical_list(read_tag_list(written))[0]) == wanted, way
        if isinstance(written, list) and way != "with nulls":
            assert list(canonical_list(read_tag_list(json.dumps(written)))[0]) == wanted, f"{way} in a cell"


@hold
@given(plain_tags(), st.data())
def test_a_list_that_was_cut_off_is_refused_or_shorter(tags, data):
    written = data.draw(st.sampled_from(["python", "json", "array", "twitter printed", "postgres"]))
    text = str(written_lists(tags)[written])
    cut = text[: data.draw(st.integers(min_value=0, max_value=len(text) - 1))]
    try:
        read = read_tag_list(cut)
    except DataError as refused:
        assert "Accepted: a list such as" in str(refused)  # noqa: PT017
        return
    assert not read or cut in "array", (cut, read)
