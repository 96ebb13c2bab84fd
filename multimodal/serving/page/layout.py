"""What the page consists of, and what its buttons do."""

from __future__ import annotations

from typing import Any

import gradio as gr

from multimodal.serving.page.templating import rendered, text_of
from multimodal.serving.page.visits import Visits

TITLE = "Hashtags for a picture and a caption"
_MOST_K = 20


def page_layout(visits: Visits, models: list[str], examples: bool, most_bytes: int) -> gr.Blocks:
    """Return the page.

    Args:
        visits: does what the buttons say.
        models: names of the models, at least one.
        examples: whether there are posts to try.
        most_bytes: of a picture.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        _html(rendered("heading", title=TITLE))
        with gr.Row(elem_classes="mh-columns"):
            with gr.Column(scale=5, min_width=300):
                script = text_of("picture.js").replace("MOST_BYTES", str(most_bytes))
                picture = _html(None, "mh-picture", script, html_template=text_of("picture.html"))
                caption = gr.Textbox(
                    label="Caption", lines=3, max_lines=8, placeholder="Low tide at dusk", elem_id="mh-caption"
                )
                user = gr.Dropdown(
                    label="User", info="one that is known, or any new name", choices=[], value=None,
                    allow_custom_value=True, elem_id="mh-user",
                )  # fmt: skip
                model = gr.Dropdown(
                    label="Model", choices=models, value=models[0], elem_id="mh-model", visible=len(models) > 1
                )
                with gr.Row():
                    k = gr.Slider(1, _MOST_K, 5, step=1, label="How many hashtags", elem_id="mh-k")
                    auto = gr.Checkbox(
                        label="As many as are likely", info="needs a model with chances", elem_id="mh-auto"
                    )
                ask = gr.Button("Recommend", variant="primary", elem_id="mh-ask")
                example = gr.Button("Try a test post", visible=examples, elem_id="mh-example")
                truth = gr.Textbox(label="True hashtags", info="to colour a comparison", elem_id="mh-truth")
            with gr.Column(scale=7, min_width=300):
                said = _html(rendered("said", text=""), "mh-status")
                taught = _html("", "mh-taught")
                answer = _html(rendered("welcome"), "mh-answer", text_of("answer.js"))
        given = [picture, caption, user, model, k, auto]

        async def recommend(*values: Any) -> tuple[str, str, str]:
            shown, spoken = await visits.recommend(*values)
            return shown, rendered("said", text=spoken), ""

        async def teach(event: gr.EventData) -> tuple[str, str]:
            shown, spoken = await visits.teach(event.answer, event.hashtag, event.verdict)
            return shown, rendered("said", text=spoken)

        quiet: dict[str, Any] = {"api_visibility": "private"}
        for trigger in (ask.click, caption.submit):
            trigger(recommend, given, [answer, said, taught], show_progress="minimal", **quiet)
        answer.teach(teach, None, [taught, said], show_progress="hidden", **quiet)
        page.load(lambda name: gr.Dropdown(choices=visits.users(name)), model, user, show_progress="hidden", **quiet)
        example.click(visits.example, None, [picture, caption, user, truth], show_progress="hidden", **quiet)
    return page


def _html(value: str | None, name: str | None = None, script: str | None = None, **others: Any) -> gr.HTML:
    """Return HTML with styles of the page's own and with a script of its own, or none."""
    return gr.HTML(value, elem_id=name, js_on_load=script, apply_default_css=False, **others)
