"""An application that the tests of a process share, since building one takes longer than a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from facerec.api.app import AppSettings, create_app

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from facerec.gallery.gallery import Gallery


class SharedApp:
    """The API with settings of its own, over the gallery of the test that runs.

    Attributes:
        app: The application.
        gallery: The gallery of the test that runs.
    """

    def __init__(self, settings: AppSettings) -> None:
        self._current = CurrentGallery()
        self.app: ASGIApp = create_app(cast("Gallery", self._current), settings)

    @property
    def gallery(self) -> Gallery:
        return self._current.gallery

    @gallery.setter
    def gallery(self, gallery: Gallery) -> None:
        self._current.gallery = gallery


class CurrentGallery:
    """Passes everything to the gallery of the test that runs.

    Attributes:
        gallery: Gallery of the test that runs now.
    """

    gallery: Gallery

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any of a gallery's
        return getattr(self.gallery, name)
