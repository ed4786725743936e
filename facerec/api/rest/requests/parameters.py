"""The parameters of paths and queries."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from facerec.api.rest.requests.fields import (
    CollectionName,
    FaceId,
    PersonOfCorrection,
    UserId,
)
from facerec.core.limits import MAX_PAGE

CollectionPath = Annotated[CollectionName, Path()]
FacePath = Annotated[FaceId, Path()]
UserPath = Annotated[UserId, Path()]
PersonPath = Annotated[
    PersonOfCorrection,
    Path(
        description="A user id, an external image id or what comes before the colon in it, or the "
        "id of another face.",
        examples=["ann"],
    ),
]
Threshold = Annotated[
    float | None,
    Query(ge=0, le=1, allow_inf_nan=False, description="Minimum similarity of a match."),
]
TargetFmr = Annotated[
    float | None,
    Query(
        gt=0,
        lt=1,
        description="The share of searches for a stranger that may have a match in a collection of "
        "this size. With `threshold` too, the higher similarity counts.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Return at most this many entries.")]
NextToken = Annotated[
    str | None, Query(max_length=255, description="`next_token` of the previous page.")
]
Disassociate = Annotated[
    bool,
    Query(description="Disassociate the face from its person first, which otherwise is refused."),
]
