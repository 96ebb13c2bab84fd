"""`/docs`: Swagger UI from this machine; FastAPI's own page loads it from another host."""

from __future__ import annotations

from importlib.util import find_spec

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from multimodal.serving.icon import icon_address

_PACKAGE = "fastapi_offline"
# Relative, so that they are right behind a proxy that puts the service below another path.
_FILES, _DOCUMENT = "docs/files", "openapi.json"


def add_docs(app: FastAPI) -> None:
    """Add `/docs` to an application; without the package that holds Swagger UI it leads to `/openapi.json`."""
    has_files = find_spec(_PACKAGE) is not None
    if has_files:
        app.mount(f"/{_FILES}", StaticFiles(packages=[(_PACKAGE, "static")]))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        if not has_files:
            return RedirectResponse(_DOCUMENT)
        return get_swagger_ui_html(
            openapi_url=_DOCUMENT,
            title=app.title,
            swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
            swagger_css_url=f"{_FILES}/swagger-ui.css",
            swagger_favicon_url=icon_address(),
            swagger_ui_parameters={"validatorUrl": None},  # by default it shows the document to another host
        )
