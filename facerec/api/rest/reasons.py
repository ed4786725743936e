"""The query parameter with which a request states the reason for a change of people."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from facerec.core.names import MAX_REASON_LENGTH, USER_NAME_PATTERN


def _note_reason(
    request: Request,
    why: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=MAX_REASON_LENGTH,
            pattern=USER_NAME_PATTERN,
            description="The reason for the change, for the history of people.",
        ),
    ] = None,
) -> None:
    request.state.why = why


REASON = [Depends(_note_reason)]
"""Dependency of routes that change people, which reads the query parameter ``why``."""
