"""What the page consists of, and what its buttons do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from multimodal.serving.page.actions import PageActions
from multimodal.serving.page.templating import rendered, text_of

TITLE = "Hashtags for a picture and a caption"
_MOST_K = 20
_ANSWER, _COMPARISON = "answer", "comparison"
# The functions of the page are for the page alone. None waits in Gradio's queue: the service has its own, and Gradio
# may lose the answer to a button that is pressed while the stream of earlier answers closes.
_OWN: dict[str, Any] = {"api_visibility": "private", "queue": False}


@dataclass(frozen=True, slots=True)
class _Inputs:
    picture: Any
    caption: Any
    user: Any
    known_users: list[str]
    model: Any
    k: Any
    auto: Any
    ask: Any
    example: Any
    models: Any
    truth: Any
    compare: Any


@dataclass(frozen=True, slots=True)
class _Outputs:
    tabs: Any
    said: Any
    taught: Any
    answer: Any
    comparison: Any


def page_layout(actions: PageActions, models: list[str], examples: bool, most_bytes: int) -> gr.Blocks:
    """Return the page.

    Args:
        actions: does what the buttons say.
        models: names of the models, at least one.
        examples: whether there are posts to try.
        most_bytes: of a picture.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        _html(rendered("heading", title=TITLE))
        with gr.Row(elem_classes="mh-columns"):
            with gr.Column(scale=5, min_width=300):
                inputs = _inputs(models, actions.users(models[0]), examples, most_bytes)
            with gr.Column(scale=7, min_width=300):
                outputs = _outputs()
        _connect(page, actions, inputs, outputs)
    return page


def _inputs(models: list[str], users: list[str], examples: bool, most_bytes: int) -> _Inputs:
    """Add what a visitor gives."""
    script, several = text_of("picture.js").replace("MOST_BYTES", str(most_bytes)), len(models) > 1
    picture = _html(None, "mh-picture", script, html_template=text_of("picture.html"))
    caption = gr.Textbox(label="Caption", lines=3, max_lines=8, placeholder="Low tide at dusk", elem_id="mh-caption")
    user = gr.Dropdown(
        users, value=None, label="User", info="one that is known, or any new name", allow_custom_value=True,
        elem_id="mh-user",
    )  # fmt: skip
    model = gr.Dropdown(models, value=models[0], label="Model", elem_id="mh-model", visible=several)
    with gr.Row():
        k = gr.Slider(1, _MOST_K, 5, step=1, label="How many hashtags", buttons=[], elem_id="mh-k")
        auto = gr.Checkbox(
            label="As many as are likely", info="needs a model with probabilities, such as a hybrid", elem_id="mh-auto"
        )
    ask = gr.Button("Recommend", variant="primary", elem_id="mh-ask")
    example = gr.Button("Try a test post", visible=examples, elem_id="mh-example")
    with gr.Accordion("Compare models" if several else "Compare with the truth", open=False, elem_id="mh-comparing"):
        chosen = gr.CheckboxGroup(models, value=models, label="Models", elem_id="mh-models", visible=several)
        truth = gr.Textbox(
            label="True hashtags", info="those of the caption, if none are given", placeholder="#sea #lowtide",
            elem_id="mh-truth",
        )  # fmt: skip
        compare = gr.Button("Compare", elem_id="mh-compare")
    return _Inputs(picture, caption, user, users, model, k, auto, ask, example, chosen, truth, compare)


def _outputs() -> _Outputs:
    """Add what the page answers."""
    said, taught = _html(rendered("said", text=""), "mh-status"), _html("", "mh-taught")
    with gr.Tabs(selected=_ANSWER) as tabs:
        with gr.Tab("Hashtags", id=_ANSWER):
            answer = _html(rendered("welcome"), "mh-answer", text_of("answer.js"))
        with gr.Tab("Comparison", id=_COMPARISON):
            comparison = _html(rendered("nothing_compared"), "mh-comparison", text_of("answer.js"))
    return _Outputs(tabs, said, taught, answer, comparison)


def _connect(page: gr.Blocks, actions: PageActions, inputs: _Inputs, outputs: _Outputs) -> None:
    """Let the buttons do what they say."""

    def users(model: str) -> Any:
        # A list that is exchanged while a visitor types would take what was typed.
        now = actions.users(model)
        return gr.skip() if now == inputs.known_users else gr.Dropdown(choices=now)

    async def recommend(*values: Any) -> tuple[Any, ...]:
        shown, spoken = await actions.recommend(*values)
        return gr.Tabs(selected=_ANSWER), shown, rendered("said", text=spoken), ""

    async def compare(*values: Any) -> tuple[Any, ...]:
        shown, spoken = await actions.compare(*values)
        return gr.Tabs(selected=_COMPARISON), shown, rendered("said", text=spoken), ""

    async def teach(event: gr.EventData) -> tuple[str, str]:
        shown, spoken = await actions.teach(event.answer, event.hashtag, event.verdict)
        return shown, rendered("said", text=spoken)

    post, length = [inputs.picture, inputs.caption, inputs.user], [inputs.k, inputs.auto]
    for trigger in (inputs.ask.click, inputs.caption.submit):
        shown = [outputs.tabs, outputs.answer, outputs.said, outputs.taught]
        trigger(recommend, [*post, inputs.model, *length], shown, show_progress="minimal", **_OWN)
    shown = [outputs.tabs, outputs.comparison, outputs.said, outputs.taught]
    given = [*post, inputs.models, *length, inputs.truth]
    inputs.compare.click(compare, given, shown, show_progress="minimal", **_OWN)
    outputs.answer.teach(teach, None, [outputs.taught, outputs.said], show_progress="hidden", **_OWN)
    filled = [inputs.picture, inputs.caption, inputs.user, inputs.truth]
    inputs.example.click(actions.example, None, filled, show_progress="hidden", **_OWN)
    page.load(users, inputs.model, inputs.user, show_progress="hidden", **_OWN)


def _html(value: str | None, name: str | None = None, script: str | None = None, **others: Any) -> gr.HTML:
    """Return HTML with styles of the page's own and with a script of its own, or none."""
    return gr.HTML(value, elem_id=name, js_on_load=script, apply_default_css=False, **others)
