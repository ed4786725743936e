"""The application as it runs in Lambda."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from fastapi import FastAPI

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import Guard, OpenGuard
from facerec.api.rekognition.model import CONTENT_TYPE
from facerec.api.rest.problems import MEDIA_TYPE
from facerec.api.step_functions_jobs import open_step_functions_jobs
from facerec.config import Settings, read_settings
from facerec.core.options import FaceOptions
from facerec.engine.engine import open_engine
from facerec.factory import open_faces, open_records
from facerec.gallery.defaults import GalleryDefaults
from facerec.gallery.gallery import Gallery
from facerec.jobs.job_data import JobFolders
from facerec.storage.objects.bucket import BucketObjects
from facerec.storage.objects.routed import open_objects
from lambdas.api.settings import ApiSettings, read_api_settings

PATIENCE = 5.0
"""Seconds that Pinecone may keep a request waiting; API Gateway gives up after 29."""


def build_app(environment: Mapping[str, str], largest_body: int) -> FastAPI:
    """Build the application from the environment.

    Args:
        environment: variables by name; see ``Settings`` and ``ApiSettings``.
        largest_body: bytes of a request.

    Raises:
        FacerecError: a setting is missing or wrong, or a part cannot be opened.
    """
    settings, own = read_settings(environment), read_api_settings(environment)
    allowed = own.photo_buckets | ({settings.bucket} if settings.bucket else set())
    objects = BucketObjects(open_objects(), allowed=allowed)
    jobs_root = settings.jobs_root
    engine = open_engine(threads=settings.threads)
    gallery = Gallery(
        engine,
        open_faces(settings, patience=PATIENCE),
        open_records(settings),
        photos=objects,
        # the work bucket, which callers may name no photo in unless it is allowed above
        job_data=JobFolders(BucketObjects(open_objects(), own_folder=jobs_root), jobs_root),
        defaults=GalleryDefaults(
            FaceOptions(max_faces=settings.max_faces, min_confidence=settings.min_confidence),
            settings.similarity_threshold,
        ),
    )
    jobs = None
    if own.state_machine is not None:
        jobs = open_step_functions_jobs(own.state_machine, objects, settings.region)
    return create_app(
        gallery,
        AppSettings(
            _guard(settings, own),
            jobs=jobs,
            origins=settings.allowed_origins,
            page=own.page,
            max_body=largest_body,
            # Lambda gives one request at a time to a process
            photos_at_once=1,
        ),
    )


def for_lambda(app: FastAPI) -> Callable[[dict[str, Any], object], dict[str, Any]]:
    """Return the handler of API Gateway's events for an application."""
    from mangum import Mangum
    from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
    from mangum.types import LambdaContext

    # API Gateway hands base64 on as it is, unless told that a media type is binary
    text = [*DEFAULT_TEXT_MIME_TYPES, CONTENT_TYPE, MEDIA_TYPE]
    answer = Mangum(app, lifespan="off", text_mime_types=text)
    return lambda event, context: answer(event, cast("LambdaContext", context))


def _guard(settings: Settings, own: ApiSettings) -> Guard:
    if own.access_keys is None:
        return OpenGuard()
    from facerec.api.auth.sigv4 import SignatureGuard
    from facerec.storage.secrets import open_secrets_manager_keys

    keys = open_secrets_manager_keys(own.access_keys, settings.region)
    return SignatureGuard(keys.get_access_key, time.time)
