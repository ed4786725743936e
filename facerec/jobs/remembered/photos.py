"""Formats and parses the line of text in which a photo is remembered.

Fields are separated by tabs; in an address, ``%``, tab and line feed are escaped. The first four
fields must be equal for a photo to be unchanged, so that a listed photo is compared with a line by
one ``startswith``. An eighth field marks an external image id that somebody chose although it
repeats the address; earlier releases did not write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from facerec.core.derived_names import is_derived
from facerec.core.ids import image_key
from facerec.jobs.fields import ExternalIds
from facerec.jobs.manifest.companions import describe_companion
from facerec.jobs.manifest.listing import ListingRules
from facerec.jobs.outcomes import Outcome
from facerec.jobs.plan import NAMED_IDS
from facerec.storage.objects.protocol import folder_of

if TYPE_CHECKING:
    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.jobs.plan import Plan

GONE = "GONE"
"""Outcome of a line that cancels the earlier lines of a photo."""

UNKNOWN_SETTINGS = ""
"""Digest of the options of a line whose photo must be processed again, since its faces are lost."""

FIELDS = 7
"""Number of fields of a line without a mark."""

CHOSEN = "chosen"
"""Mark of a line with an external image id that somebody chose although it repeats the address."""

_ESCAPED = re.compile(r"[%\t\n]")


@dataclass(frozen=True, slots=True)
class RememberedPhoto:
    """A photo that a job found at an address.

    Attributes:
        uri: Address of the photo; "" for a malformed line.
        external_image_id: The caller's own name for it, or "".
        version: The version that was read (see ``jobs.versions``), or "", in which case the photo
            counts as changed.
        settings: Digest of the options, or ``UNKNOWN_SETTINGS``.
        outcome: An ``Outcome``, or ``GONE``.
        key: Image key of its faces, or "".
        faces: Number of its faces in the collection.
        is_marked: Whether somebody chose the external image id although it repeats the address.
    """

    uri: str
    external_image_id: str
    version: str
    settings: str
    outcome: str
    key: str
    faces: int
    is_marked: bool = False

    @property
    def has_chosen_id(self) -> bool:
        """Whether somebody chose the external image id, so that it is not just derived."""
        return self.is_marked or not repeats_address(self.external_image_id, self.uri)

    def to_line(self) -> str:
        """Return the photo as a line, without the line end."""
        start = start_of_line(self.uri, self.external_image_id, self.version, self.settings)
        mark = f"\t{CHOSEN}" if self.is_marked else ""
        return f"{start}{self.outcome}\t{self.key}\t{self.faces}{mark}"


def start_of_line(uri: str, external_image_id: str, version: str, settings: str) -> str:
    """Return the start of the line of an unchanged photo."""
    return f"{escaped(uri)}\t{external_image_id}\t{version}\t{settings}\t"


def address_of_line(line: str) -> tuple[str, str]:
    """Return the address and the external image id, by which lines are sorted."""
    uri, external_image_id, _ = line.split("\t", 2)
    return unescaped(uri), external_image_id


def photo_of_line(line: str) -> RememberedPhoto:
    """Parse a line.

    Raises:
        ValueError: The line is damaged.
    """
    uri, external_image_id, version, settings, outcome, key, faces, *mark = line.split("\t")
    return RememberedPhoto(
        unescaped(uri),
        external_image_id,
        version,
        settings,
        outcome,
        key,
        int(faces),
        mark == [CHOSEN],
    )


def is_valid_line(line: str) -> bool:
    """Return whether a line has the right number of fields, and a number of faces."""
    return line.removesuffix(f"\t{CHOSEN}").count("\t") == FIELDS - 1 and (
        line.removesuffix(f"\t{CHOSEN}").rpartition("\t")[2].isdecimal()
    )


def is_marked(line: str) -> bool:
    """Return whether a line marks an external image id that somebody chose."""
    return line.endswith(f"\t{CHOSEN}")


def with_mark(line: str) -> str:
    """Return a line that marks its external image id as one that somebody chose."""
    return line if is_marked(line) else f"{line}\t{CHOSEN}"


def repeats_address(external_image_id: str, uri: str) -> bool:
    """Return whether an id is empty or one that ``ListingRules`` would derive from an address."""
    folder = uri.rpartition("/")[0]
    return external_image_id == "" or any(
        is_derived(external_image_id, address) for address in (uri, folder)
    )


def is_chosen_by(plan: Plan, external_image_id: str, uri: str) -> bool:
    """Return whether somebody chose the id under which a job reads the photo at an address."""
    if not repeats_address(external_image_id, uri):
        return True
    if not external_image_id or plan.external_ids is None:
        return False
    if plan.external_ids == NAMED_IDS:
        return True
    if plan.base is None:
        # The id of a single photo is derived from its name, regardless of the rules for folders.
        rules, folder = ListingRules(), folder_of(uri)
    else:
        rules, folder = ListingRules(external_ids=ExternalIds(plan.external_ids)), plan.base
    return external_image_id != rules.external_image_id(uri.removeprefix(folder))


def escaped(uri: str) -> str:
    """Return an address in which ``%``, tabs and line feeds are escaped."""
    if _ESCAPED.search(uri) is None:
        return uri
    return _ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", uri)


def unescaped(uri: str) -> str:
    """Return the address from its escaped form."""
    return unquote(uri, errors="surrogateescape") if "%" in uri else uri


def lines_of_rows(rows: Iterable[LedgerRow], plan: Plan) -> Iterator[str]:
    """Yield the lines of ledger rows.

    Rows of old or deleted versions in an inventory, of folders, and of erased photos have no line.
    """
    settings = plan.options.digest()
    for row in rows:
        if row.outcome is Outcome.MALFORMED_LINE:
            # A malformed line may name no photo; it is recognised by its content.
            if (version := row.version) is not None:
                yield RememberedPhoto("", version, version, settings, row.outcome, "", 0).to_line()
            continue
        if not row.photo:
            continue
        if row.outcome is Outcome.SKIPPED and describe_companion(row.photo) is None:
            # An old version in an inventory, whose newest version has a separate line.
            continue
        key = ""
        if row.image_id is not None:
            key = image_key(
                plan.collection_id, row.image_id, row.external_image_id, plan.id_version
            )
        yield RememberedPhoto(
            row.photo,
            row.external_image_id or "",
            row.version or "",
            settings,
            row.outcome,
            key,
            len(row.faces),
            is_marked=_is_marked(plan, row.external_image_id or "", row.photo),
        ).to_line()


def _is_marked(plan: Plan, external_image_id: str, uri: str) -> bool:
    return (
        external_image_id != ""
        and repeats_address(external_image_id, uri)
        and is_chosen_by(plan, external_image_id, uri)
    )
