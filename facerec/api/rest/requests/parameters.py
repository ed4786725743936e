"""The parameters of paths and queries."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import WithJsonSchema

from facerec.api.rest.requests.fields import (
    CollectionName,
    FaceId,
    PersonOfCorrection,
    UserId,
)
from facerec.core.clusters import CLUSTER_ID_PATTERN
from facerec.core.erasures import ERASURE_ID_PATTERN
from facerec.core.history import ENTRY_ID_PATTERN
from facerec.core.limits import MAX_PAGE

CollectionPath = Annotated[CollectionName, Path()]
FacePath = Annotated[FaceId, Path()]
UserPath = Annotated[UserId, Path()]
PersonPath = Annotated[
    PersonOfCorrection,
    Path(
        description="A user id, an external image id or the part before its colon, or the id of "
        "another face.",
        examples=["ann"],
    ),
]


def created_id(pattern: str) -> WithJsonSchema:
    """Return the description of an id that facerec creates.

    The pattern is not checked: no id of another form exists, so the answer is 404.
    """
    return WithJsonSchema({"type": "string", "pattern": pattern})


ClusterPath = Annotated[
    str, created_id(CLUSTER_ID_PATTERN), Path(description="Id of a cluster.", examples=["c1"])
]
EntryPath = Annotated[str, created_id(ENTRY_ID_PATTERN), Path()]
ErasurePath = Annotated[str, created_id(ERASURE_ID_PATTERN), Path()]
Threshold = Annotated[
    float | None,
    Query(ge=0, le=1, allow_inf_nan=False, description="Minimum similarity of a match."),
]
TargetFmr = Annotated[
    float | None,
    Query(
        gt=0,
        lt=1,
        allow_inf_nan=False,
        description="The share of searches for a stranger that may have a match in a collection of "
        "this size. Not with `threshold`.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Return at most this many entries.")]
NextToken = Annotated[str | None, Query(description="`next_token` of the previous page.")]
Disassociate = Annotated[
    bool,
    Query(
        description="Disassociate the face from its person first; without this, a face of a "
        "person is not deleted."
    ),
]
