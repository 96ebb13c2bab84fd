"""Near-duplicates by words and by picture."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.images.fingerprints import NO_KEY
from data_loaders.prepare.duplicates import COLOUR_DISTANCE, IMAGE_DISTANCE_BITS, caption_key, group_duplicates

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
    (key_a, colour_a), (key_b, colour_b) = a, b
    near = (key_a ^ key_b).bit_count() <= IMAGE_DISTANCE_BITS and abs(colour_a - colour_b) <= COLOUR_DISTANCE
    return near and NO_KEY not in (key_a, key_b)


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


def grouped(captions, images):
    """The fast way; the colour of a picture stands in its eighth byte."""
    keys = np.array([key for key, _ in images], np.uint64)
    colours = np.zeros((len(images), 12), np.uint8)
    colours[:, 7] = [colour for _, colour in images]
    return group_duplicates(np.array(captions, np.uint64), keys, colours).tolist()


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
@given(st.lists(st.tuples(st.integers(0, 6), st.tuples(HASHES, st.sampled_from([0, 8, 9, 255]))), max_size=25))
def test_groups_against_union_find(posts):
    captions, images = [caption for caption, _ in posts], [image for _, image in posts]
    assert grouped(captions, images) == grouped_slowly(captions, images)


def test_groups_join_through_others():
    picture = (2**63 + 1, 5)
    assert grouped([5, 5, 0, 0], [(0, 0), picture, picture, (0, 0)]) == [0, 0, 0, 3]


def test_images_join_up_to_the_distance():
    images = [(0b1, 0), (0b11111, 0), (0b111111 << 40, 0), (2**64 - 1, 0)]
    assert grouped([0] * 4, images) == [0, 0, 2, 3]
    assert grouped([], []) == []


def test_the_same_shapes_in_other_colours_stand_apart():
    assert grouped([0] * 4, [(77, 10), (77, 18), (77, 200), (77, 27)]) == [0, 0, 2, 3]


def test_many_look_alikes_are_joined():
    images = [(77, colour) for colour in range(0, 250, 5)] * 3
    assert set(grouped([0] * len(images), images)) == {0}
