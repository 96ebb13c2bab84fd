"""What the page consists of, without a browser."""

from __future__ import annotations

import pytest

from multimodal.serving.page.known_posts import KnownPosts

pytest.importorskip("gradio", reason="needs gradio")


def test_no_button_waits_in_the_queue_of_gradio(page_data, visit):
    from multimodal.serving.page.layout import page_layout

    async def use(actions):
        page = page_layout(actions, ["habit"], examples=True, most_bytes=1_000_000)
        return list(page.fns.values())

    functions = visit(use, KnownPosts(page_data))
    assert {event for function in functions for _, event in function.targets} >= {"click", "submit", "load", "teach"}
    assert [function.name for function in functions if function.queue is not False] == []
