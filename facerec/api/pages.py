"""Pages for browsers: the one at ``/``, and the interactive documentation. No CDN is used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}

_ONLY_OURS = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content security policy of the page: no script and no style but those of its own files."""

_ALSO_INLINE = (
    "default-src 'none'; script-src 'unsafe-inline' 'self'; style-src 'unsafe-inline' 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Policy of the documentation, whose framework writes a script into the page."""

_COMMON = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_PAGE_HEADERS = {**_COMMON, "Content-Security-Policy": _ONLY_OURS, "Cache-Control": "no-cache"}
_DOCS_HEADERS = {**_COMMON, "Content-Security-Policy": _ALSO_INLINE}

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class _PageFile:
    """A file of the page, with the hash by which browsers ask whether it has changed."""

    content: bytes
    media_type: str
    tag: str

    def answer(self, request: Request) -> Response:
        headers = {**_PAGE_HEADERS, "ETag": self.tag}
        if request.headers.get("if-none-match") == self.tag:
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers=headers, media_type=self.media_type)


def _page_files() -> dict[str, _PageFile]:
    return {
        each.name: _PageFile(
            content := each.read_bytes(),
            _MEDIA_TYPES[PurePath(each.name).suffix],
            f'"{hashlib.sha256(content).hexdigest()}"',
        )
        for each in (files("facerec") / "api" / "page").iterdir()
        if PurePath(each.name).suffix in _MEDIA_TYPES
    }


def is_public(method: str, path: str) -> bool:
    """Return whether a request needs no authentication, as for pages and the API's description."""
    return method in ("GET", "HEAD") and (
        path in ("/", "/docs", "/openapi.json") or path.startswith(("/docs/", "/page/"))
    )


def pages_router(*, page: bool) -> APIRouter:
    """Return the routes of the documentation and, if it is enabled, of the page."""
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
        return HTMLResponse(html.body, headers=_DOCS_HEADERS)

    @router.get("/docs/{name}")
    def asset(name: str) -> Response:
        if name not in _ASSETS:
            raise HTTPException(404)
        path = str(files("fastapi_offline") / "static" / name)
        return FileResponse(path, media_type=_ASSETS[name])

    if page:
        page_files = _page_files()

        @router.get("/")
        def show_page(request: Request) -> Response:
            return page_files["index.html"].answer(request)

        @router.get("/page/{name}")
        def page_file(request: Request, name: str) -> Response:
            if name not in page_files:
                raise HTTPException(404)
            return page_files[name].answer(request)

    return router
