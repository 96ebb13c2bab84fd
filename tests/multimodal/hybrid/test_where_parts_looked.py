"""Where the hybrid looked is where the first of its parts that can say did."""

from __future__ import annotations

from data_loaders.posts import Post
from multimodal.hybrid.config import HybridConfig
from multimodal.hybrid.system import HybridSystem
from multimodal.ranking.attention import Attention


class Part:
    """Says what it was made with."""

    def __init__(self, told):
        self.told = told

    def attention(self, post):
        return self.told


def test_the_first_part_that_can_say():
    hybrid, post = HybridSystem(HybridConfig()), Post(post_id="p", caption="the sea")
    first, second = Attention(None, None, 0.25), Attention(None, None, 0.75)
    hybrid.parts = {"habit": Part(None), "design": Part(first), "other": Part(second)}
    assert hybrid.attention(post) is first
    hybrid.parts = {"habit": Part(None)}
    assert hybrid.attention(post) is None
