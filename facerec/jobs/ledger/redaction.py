"""Erases faces and photos from the rows of a ledger, and from the lists of failed rows.

A row stays, so that every manifest line still has one. Erased faces are removed from it. If no face
is left, or if the photo is erased, all values of the row are erased. Its outcome is then ERASED, or
REMOVED if the photo was replaced or is gone. This works for rows of every release, and keeps the
member names of their release.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from facerec.jobs.ledger.first_release import name_in
from facerec.jobs.outcomes import Outcome

if TYPE_CHECKING:
    from facerec.core.erasures import Selection

MAX_NEEDLES = 64
"""Maximum number of texts for which a file is searched before it is parsed; with more texts, every
file is parsed."""

_FACES = ("faces", "kept")
"""Members of a row that list faces of the collection."""

_ERASED: dict[str, Any] = {
    "photo": "",
    "external_image_id": None,
    "reason": None,
    "detail": None,
    "image_id": None,
    "version": None,
    "faces": [],
    "kept": [],
    "rejected": [],
}
"""Values of the members of an erased row."""


def may_name(selection: Selection, content: bytes) -> bool:
    """Return whether a JSON file may contain a face or a photo of a selection.

    Always true if the selection has more than ``MAX_NEEDLES`` faces and photos.
    """
    names = [*selection.external_image_ids, *selection.photos]
    # ASCII, as ``json.dumps`` writes it; the key of a photo is the beginning of a face's id.
    texts = [*selection.face_ids, *selection.image_keys, *map(json.dumps, names)]
    if len(texts) > MAX_NEEDLES:
        return True
    return any(text.encode() in content for text in texts)


def erase_from_row(row: dict[str, Any], selection: Selection) -> bool:
    """Erase a selection from a ledger row, a JSON object of this or an earlier release.

    Returns:
        Whether the row has changed.
    """
    left = {
        name: [face for face in row[name] if not selection.contains_face(face["face_id"])]
        for name in _FACES
        if name in row
    }
    if not is_selected(row, selection):
        if all(len(left[name]) == len(row[name]) for name in left):
            return False
        if any(left.values()):
            row.update(left)
            return True
    outcome = Outcome.ERASED if selection.tombstones else Outcome.REMOVED
    values = {**_ERASED, "outcome": str(outcome)}
    erased = {name_in(row, name): value for name, value in values.items()}
    row.update({name: value for name, value in erased.items() if name in row})
    return True


def is_selected(row: dict[str, Any], selection: Selection) -> bool:
    """Return whether a row is about a selected photo."""
    return (
        row.get("external_image_id") in selection.external_image_ids
        or row.get(name_in(row, "photo")) in selection.photos
    )


def erase_from_segment(content: bytes, selection: Selection) -> tuple[bytes, int]:
    """Erase a selection from a ledger segment; return the new content and how many rows changed."""
    first, *lines = content.splitlines()
    rows = [json.loads(line) for line in lines]
    changed = sum(erase_from_row(row, selection) for row in rows)
    if not changed:
        return content, 0
    written = "".join(json.dumps(row) + "\n" for row in rows).encode()
    return first + b"\n" + written, changed


def erase_from_failures(content: bytes, selection: Selection) -> tuple[bytes, int]:
    """Erase a selection from a summary or report; return the content and how many rows changed."""
    document = json.loads(content)
    changed = sum(erase_from_row(row, selection) for row in document.get("failures", []))
    return (json.dumps(document).encode() if changed else content), changed
