"""Entry point of the function behind API Gateway."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import cache
from typing import Any

_LOG = logging.getLogger("facerec.api")

MAX_BODY = 4_500_000
"""Maximum size of a request's body in bytes. Lambda accepts events of 6 MB, headers included, and
API Gateway passes every body as base64:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html. API Gateway refuses much
larger requests itself."""

Answer = dict[str, Any]


def handler(event: dict[str, Any], context: object) -> Answer:
    """Answer a request that API Gateway forwards (payload version 1.0 or 2.0).

    Args:
        event: The request.
        context: Lambda's context, passed to the application.
    """
    from facerec.core.limits import MAX_FUNCTION_ANSWER
    from facerec.errors import FacerecError
    from lambdas.api.answers import checked_answer, unready_answer

    try:
        application = _application()
    except FacerecError as error:
        _LOG.error("%s", error.message)
        return unready_answer(event)
    return checked_answer(event, application(event, context), MAX_FUNCTION_ANSWER)


@cache
def _application() -> Callable[[dict[str, Any], object], Answer]:
    """Build the application, whose models and clients are loaded once and kept between requests."""
    from lambdas.api.building import build_app, for_lambda

    return for_lambda(build_app(os.environ, MAX_BODY))


if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    # Before the first request, Lambda provides a whole processor, regardless of the memory size.
    try:
        _application()
    except Exception:
        # The first request tries again, and reports the error.
        _LOG.warning("the application could not be built ahead of the first request")
