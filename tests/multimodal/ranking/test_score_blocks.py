"""Posts that are scored together have a bounded number of scores."""

import pytest

from multimodal.ranking.score_blocks import MOST_SCORES, posts_at_once


@pytest.mark.parametrize("hashtags", [0, 1, 5_000, 131_072, 131_073, 200_000, 10**8])
def test_a_block_is_bounded_unless_it_is_one_post(hashtags):
    posts = posts_at_once(hashtags, 128)
    assert 1 <= posts <= 128
    assert posts == 1 or posts * hashtags <= MOST_SCORES
    assert posts == 128 or (posts + 1) * hashtags > MOST_SCORES
