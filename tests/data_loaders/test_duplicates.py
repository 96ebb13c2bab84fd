"""Near-duplicates by words and by picture."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.duplicates import IMAGE_DISTANCE_BITS, NO_KEY, caption_key, group_duplicates

LONG = "Low tide at dusk, all gulls gone home"


def test_the_same_words_have_the_same_key():
    variants = [
        LONG,
        LONG.upper(),
        f"  {LONG}\n",
        f"{LONG} #beach #sea",
        f"{LONG} https://t.co/abc",
        LONG.replace(" ", "  "),
        LONG.replace("L", "Ｌ"),
        f"@ann {LONG}",
    ]
    assert len({caption_key(text) for text in variants}) == 1
    assert caption_key(LONG) != NO_KEY
    assert caption_key(LONG + "!") != caption_key(LONG)


def test_short_captions_have_none():
    assert caption_key(None) == NO_KEY
    assert caption_key("Good morning everyone") == NO_KEY  # 19 letters without the spaces
    assert caption_key("Good morning to everyone") != NO_KEY
    assert caption_key("hi #averylonghashtagofmanyletters https://example.com/a/very/long/address") == NO_KEY


def test_lone_surrogates_do_not_stop_it():
    assert caption_key(LONG + "\ud83d") != NO_KEY


def same_caption(a, b):
    return a == b != NO_KEY


def same_image(a, b):
    return a != NO_KEY and b != NO_KEY and (a ^ b).bit_count() <= IMAGE_DISTANCE_BITS


def grouped_slowly(captions, images):
    """Union-find, the plain way."""
    parent = list(range(len(captions)))

    def root(place):
        while parent[place] != place:
            place = parent[place]
        return place

    for a in range(len(captions)):
        for b in range(a):
            if same_caption(captions[a], captions[b]) or same_image(images[a], images[b]):
                low, high = sorted((root(a), root(b)))
                parent[high] = low
    return [root(place) for place in range(len(captions))]


def flipped(key, bits):
    for bit in bits:
        key ^= 1 << bit
    return key


# Hashes a few bits around three centres that are far apart.
HASHES = st.builds(
    flipped,
    st.sampled_from([0, 0x0123456789ABCDEF, 0xFEDCBA9876543210, 2**63]),
    st.sets(st.integers(0, 63), max_size=4),
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), HASHES), max_size=25))
def test_groups_against_union_find(keys):
    captions, images = [pair[0] for pair in keys], [pair[1] for pair in keys]
    groups = group_duplicates(np.array(captions, np.uint64), np.array(images, np.uint64))
    assert groups.tolist() == grouped_slowly(captions, images)


def test_groups_join_through_others():
    captions = np.array([5, 5, 0, 0], np.uint64)
    images = np.array([0, 2**63 + 1, 2**63 + 1, 0], np.uint64)
    assert group_duplicates(captions, images).tolist() == [0, 0, 0, 3]


def test_images_join_up_to_the_distance():
    images = np.array([0b1, 0b11111, 0b111111 << 40, 2**64 - 1], np.uint64)
    assert group_duplicates(np.zeros(4, np.uint64), images).tolist() == [0, 0, 2, 3]
    assert group_duplicates(np.zeros(0, np.uint64), np.zeros(0, np.uint64)).tolist() == []
