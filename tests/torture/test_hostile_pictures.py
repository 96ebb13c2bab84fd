"""A sample of the hostile pictures: each is decoded, or refused by name."""

import pytest
from hostile_pictures import BOMBS, hostile_pictures

from data_loaders.images.loading import ImageError, load_image

# The others take seconds to make.
QUICK = ("claims.png", "markers.jpg", "strips.tif", "tags.tif", "comment.gif", "comment.ppm", "runs.bmp", "script.eps")


@pytest.mark.filterwarnings("ignore")  # Pillow's, about what it repairs
@pytest.mark.parametrize("name", QUICK)
def test_bombs_are_refused(name):
    with pytest.raises(ImageError):
        load_image(BOMBS[name]())


@pytest.mark.filterwarnings("ignore")
def test_pictures_are_decoded_or_refused():
    outcomes = set()
    for _, content in hostile_pictures(seed=1, count=250, bombs=False):
        try:
            outcomes.add(load_image(content, size_hint_px=64).mode)
        except ImageError as error:
            outcomes.add(error.reason)
    assert outcomes >= {"RGB", "damaged", "not_an_image"}
