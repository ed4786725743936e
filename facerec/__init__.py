"""Face collections: bulk indexing with a ledger, and matching with measured accuracy.

Quick start:

    from facerec import open_gallery

    with open_gallery("data") as gallery:
        gallery.create_collection("people")
        gallery.index("people", "examples/photos/barack-obama-1.jpg", external_image_id="obama")
        result = gallery.search("people", "examples/probe.jpg")
        for face in result.faces:
            print(face.decision, [match.face.external_image_id for match in face.matches])

``open_gallery`` opens the data folder that the command line uses. ``Gallery`` has one method for
each operation, and can use other stores, such as Pinecone and DynamoDB. ``docs/python.md`` shows
more. ``facerec.errors`` defines every error.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec import errors
    from facerec.core.options import FaceOptions, QualityFilter
    from facerec.factory import open_gallery
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.photos import PhotoLocation
    from facerec.gallery.search.decision import Decision

__version__ = "0.1.0"
"""Version of the package, defined here because container images contain no package metadata."""

__all__ = [
    "Decision",
    "FaceOptions",
    "Gallery",
    "PhotoLocation",
    "QualityFilter",
    "errors",
    "open_gallery",
]

_HOMES = {
    "Decision": "facerec.gallery.search.decision",
    "FaceOptions": "facerec.core.options",
    "Gallery": "facerec.gallery.gallery",
    "PhotoLocation": "facerec.gallery.photos",
    "QualityFilter": "facerec.core.options",
    "open_gallery": "facerec.factory",
}
"""Module of each public name. The modules are imported on first use, so that the command line
starts fast and the plan function runs without numpy."""


def __getattr__(name: str) -> object:
    if name == "errors":
        return import_module("facerec.errors")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
