"""Builds the application that runs in Lambda."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from fastapi import FastAPI

from facerec.api.access_log import Access
from facerec.api.app import AppSettings, create_app
from facerec.api.auth.gateway import GatewayGuard
from facerec.api.auth.grants import AccessTable
from facerec.api.rekognition.model import CONTENT_TYPE
from facerec.api.rest.problems import MEDIA_TYPE
from facerec.config import read_settings
from facerec.factory import open_aws_jobs, open_clusterings, open_deployed_gallery
from facerec.jobs.aws.log import logger
from facerec.storage.objects import AccessPolicy, Objects
from lambdas.api.settings import read_api_settings

PATIENCE = 5.0
"""Maximum seconds for which a request waits for the vector store; API Gateway waits for 29."""


def build_app(environment: Mapping[str, str], max_body: int) -> FastAPI:
    """Build the application from the environment.

    Args:
        environment: Variables by name; see ``Settings`` and ``ApiSettings``.
        max_body: Maximum size of a request's body in bytes.

    Raises:
        FacerecError: A setting is missing or wrong, or a store or service cannot be opened.
    """
    settings, own = read_settings(environment), read_api_settings(environment)
    allowed = own.photo_buckets | ({settings.bucket} if settings.bucket else set())
    store = Objects()
    objects = Objects(AccessPolicy(buckets=allowed))
    gallery = open_deployed_gallery(settings, objects, patience=PATIENCE)
    jobs = None
    if own.state_machine is not None:
        jobs = open_aws_jobs(
            state_machine=own.state_machine,
            objects=objects,
            jobs_root=settings.jobs_root,
            region=settings.region,
        )
    return create_app(
        gallery,
        AppSettings(
            GatewayGuard(
                own.authorization,
                AccessTable(lambda: store.read(own.access_table), time.monotonic),
                own.issuer,
            ),
            jobs=jobs,
            clusterings=open_clusterings(settings),
            origins=settings.allowed_origins,
            page=False,
            public_pages=False,
            access_log=_log_access,
            max_body=max_body,
            # Lambda gives one request at a time to a process
            photos_at_once=1,
        ),
    )


def for_lambda(app: FastAPI) -> Callable[[dict[str, Any], object], dict[str, Any]]:
    """Return a function that answers API Gateway's events with an application."""
    from mangum import Mangum
    from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
    from mangum.types import LambdaContext

    # API Gateway forwards base64 unchanged, unless a media type is declared binary
    text = [*DEFAULT_TEXT_MIME_TYPES, CONTENT_TYPE, MEDIA_TYPE]
    answer = Mangum(app, lifespan="off", text_mime_types=text)
    return lambda event, context: answer(event, cast("LambdaContext", context))


def _log_access(access: Access) -> None:
    logger().info(
        "access",
        principal=access.principal,
        operation=access.operation,
        collection_id=access.collection_id,
        status=access.status,
        milliseconds=round(1000 * access.seconds),
    )
