"""The HTTP application."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from fastapi import FastAPI
from starlette.middleware import Middleware

from facerec.api.access_control import LARGEST_BODY, AccessControl
from facerec.api.auth.access import Guard
from facerec.api.capacity import Capacity
from facerec.api.rekognition.route import rekognition_router
from facerec.gallery.service.parts import Parts


@dataclass(frozen=True, slots=True)
class AppSettings:
    """How the application answers.

    Attributes:
        guard: decides who sends a request.
        largest_body: bytes of a request.
        photos_at_once: photos that are worked on at once.
    """

    guard: Guard
    largest_body: int = LARGEST_BODY
    photos_at_once: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))


def create_app(parts: Parts, settings: AppSettings) -> FastAPI:
    """Return the application: REST and Rekognition's protocol over the same operations."""
    capacity = Capacity(settings.photos_at_once)
    app = FastAPI(
        title="facerec",
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(
                AccessControl,
                guard=settings.guard,
                public=lambda method, path: False,
                largest_body=settings.largest_body,
            )
        ],
    )
    app.include_router(rekognition_router(parts, capacity))
    return app
