"""Pages for browsers: the one at ``/``, and the interactive documentation. No CDN is used."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'self'; style-src 'unsafe-inline' 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content security policy of the pages, which load nothing from other servers."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def is_public(method: str, path: str) -> bool:
    """Return whether a request needs no authentication: pages and the description of the API."""
    return method in ("GET", "HEAD") and (
        path in ("/", "/docs", "/openapi.json") or path.startswith("/docs/")
    )


def pages_router(*, page: bool) -> APIRouter:
    """Return the routes of the documentation, and of the page if it is wanted."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    def docs() -> Response:
        html = get_swagger_ui_html(
            openapi_url="openapi.json",
            title="facerec API",
            swagger_js_url="docs/swagger-ui-bundle.js",
            swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url="data:,",
        )
        return HTMLResponse(html.body, headers=_HEADERS)

    @router.get("/docs/{name}")
    def asset(name: str) -> Response:
        if name not in _ASSETS:
            raise HTTPException(404)
        path = str(files("fastapi_offline") / "static" / name)
        return FileResponse(path, media_type=_ASSETS[name])

    if page:

        @router.get("/")
        def show_page() -> Response:
            html = (files("facerec") / "api" / "page" / "index.html").read_text("utf-8")
            return HTMLResponse(html, headers=_HEADERS)

    return router
