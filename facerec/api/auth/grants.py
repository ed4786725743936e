"""The access table: which callers may read or change which collections."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from facerec.api.auth.access import Principal
from facerec.core.schemas import check
from facerec.errors import InvalidInputError, NotFoundError

_LOG = logging.getLogger("facerec.api")

TABLE_LIFETIME = 60.0
"""Seconds after which the table is read again, so that changes take effect."""

_ASSUMED_ROLE = re.compile(r"(arn:[\w-]+):sts::(\d{12}):assumed-role/([^/]+)/[^/]+")
_ROLE = re.compile(r"(arn:[\w-]+):iam::(\d{12}):role/(?:.*/)?([^/]+)")


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request as authenticated by the gateway.

    Attributes:
        name: Name for the access log.
        arn: ARN of an IAM principal, or None.
        groups: Groups of a Cognito user.
    """

    name: str
    arn: str | None = None
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant of the access table.

    Attributes:
        principal: ARN of an IAM principal, or None.
        group: Name of a Cognito group, or None.
        collections: The granted collections; None for all.
        writes: Whether the grant includes changes.
    """

    principal: str | None
    group: str | None
    collections: frozenset[str] | None
    writes: bool

    def names(self, caller: Caller) -> bool:
        """Return whether the grant applies to a caller."""
        if self.principal is not None:
            return caller.arn is not None and is_same(self.principal, caller.arn)
        return self.group in caller.groups


def parse_grants(content: bytes) -> tuple[Grant, ...]:
    """Return the grants of a table (``facerec/schemas/access-table.json``).

    Raises:
        InvalidInputError: The table is not JSON, or a field is wrong; the message names it.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise InvalidInputError(
            "the access table is not JSON", "correct the table; docs/security.md shows one"
        ) from error
    check("access-table", document, "the access table")
    return tuple(
        Grant(
            principal=row.get("principal"),
            group=row.get("group"),
            collections=None if row["collections"] == "*" else frozenset(row["collections"]),
            writes=row["access"] == "write",
        )
        for row in document["grants"]
    )


class AccessTable:
    """Reads the table of grants, and looks up callers in it.

    Without a table, or with an invalid one, nobody has any permission.
    """

    def __init__(self, read: Callable[[], bytes], clock: Callable[[], float]) -> None:
        """Create the table; it is read when it is first needed.

        Args:
            read: Returns the table's content, or raises a ``NotFoundError`` if there is no table.
            clock: Returns the time in seconds, by which the table expires.
        """
        self._read = read
        self._clock = clock
        self._grants: tuple[Grant, ...] = ()
        self._expires: float | None = None

    def find_principal(self, caller: Caller) -> Principal | None:
        """Return the permissions of a caller, or None if no grant names the caller.

        Raises:
            FacerecError: The table cannot be read.
        """
        grants = [grant for grant in self._current() if grant.names(caller)]
        if not grants:
            return None
        writing = [grant for grant in grants if grant.writes]
        return Principal(_union(grants), bool(writing), _union(writing), caller.name)

    def _current(self) -> tuple[Grant, ...]:
        if self._expires is None or self._clock() >= self._expires:
            self._grants = self._load()
            self._expires = self._clock() + TABLE_LIFETIME
        return self._grants

    def _load(self) -> tuple[Grant, ...]:
        try:
            return parse_grants(self._read())
        except NotFoundError:
            _LOG.warning("there is no access table, so all requests are refused")
        except InvalidInputError as error:
            _LOG.error("all requests are refused: %s", error.message)
        return ()


def is_same(granted: str, caller: str) -> bool:
    """Return whether a caller is the principal that a grant names.

    A session of a role (``assumed-role/NAME/SESSION``) has no path, so roles are compared by
    account and name: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    if granted == caller:
        return True
    role, session = _ROLE.fullmatch(granted), _ASSUMED_ROLE.fullmatch(caller)
    return role is not None and session is not None and role.groups() == session.groups()


def _union(grants: Iterable[Grant]) -> frozenset[str] | None:
    collections: frozenset[str] = frozenset()
    for grant in grants:
        if grant.collections is None:
            return None
        collections |= grant.collections
    return collections
