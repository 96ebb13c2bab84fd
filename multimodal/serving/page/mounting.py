"""`mount_page`: the page on the application of the service."""

from __future__ import annotations

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse

from multimodal.serving.errors import ServiceError
from multimodal.serving.icon import icon_link
from multimodal.serving.page.actions import PageActions
from multimodal.serving.page.known_posts import KnownPosts
from multimodal.serving.page.layout import page_layout
from multimodal.serving.page.templating import text_of
from multimodal.serving.service import Service

PATH = "/demo"
# A picture in base64 is a third longer.
_SHARE_OF_BODY = 0.7
_FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
_MONO = ["ui-monospace", "Menlo", "Consolas", "monospace"]


def mount_page(app: FastAPI, known: KnownPosts) -> None:
    """Add the page to the application of `create_app`, at `/demo`.

    It asks the service in the same process; pictures come inside of questions, so that no file of them is written, and
    nothing is fetched from elsewhere.

    Args:
        app: the application, before it starts.
        known: posts that can be shown and tried.
    """
    service: Service = app.state.service
    settings = service.settings
    actions = PageActions(service, known)
    names = [source.name for source in settings.models]
    page = page_layout(actions, names, bool(known.examples), int(settings.limits.body_bytes * _SHARE_OF_BODY))
    app.add_api_route("/", _to_the_page, include_in_schema=False)
    # Gradio would write what is sent there to the disk.
    app.add_api_route(f"{PATH}/gradio_api/upload", _no_upload, methods=["POST"], include_in_schema=False)
    gr.mount_gradio_app(
        app, page, PATH, footer_links=[], run_history=False, ssr_mode=False, enable_monitoring=False, pwa=False,
        show_error=True, theme=_theme(), css=text_of("page.css"), head=icon_link(),
    )  # fmt: skip


async def _to_the_page(request: Request) -> RedirectResponse:
    return RedirectResponse(f"{PATH}/")


async def _no_upload(request: Request) -> JSONResponse:
    refused = ServiceError(403, "files are not accepted here; a picture is sent inside of its question.")
    return JSONResponse(refused.document, refused.status)


def _theme() -> gr.themes.Base:
    theme = gr.themes.Base(primary_hue="indigo", neutral_hue="slate", radius_size="lg", font=_FONTS, font_mono=_MONO)
    # Grey enough to be read: a contrast above 4.5 in both.
    grey, dark = "*neutral_600", "*neutral_300"
    return theme.set(
        color_accent="*primary_600",
        body_text_color_subdued=grey, body_text_color_subdued_dark=dark,
        block_info_text_color=grey, block_info_text_color_dark=dark,
        block_label_text_color=grey, block_label_text_color_dark=dark,
        block_title_text_color=grey, block_title_text_color_dark=dark,
        button_primary_background_fill="*primary_600", button_primary_background_fill_hover="*primary_700",
    )  # fmt: skip
