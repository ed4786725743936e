"""Prints faces of photos, faces of collections, and matches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from facerec.cli.output import console, name_or_id, shortened, shown_name, table
from facerec.core.counts import count

if TYPE_CHECKING:
    from rich.table import Table

    from facerec.core.faces import BoundingBox
    from facerec.core.photos import PhotoFaces
    from facerec.gallery.collection_results import ListedFace
    from facerec.gallery.search.search_results import Match

ADVICE = {
    "max_faces": "a larger --max-faces",
    "min_confidence": "a lower --min-confidence",
    "quality_filter": "a laxer --quality-filter",
    "smallest_face": "a smaller --smallest-face",
}
"""Advice for keeping rejected faces, by name of the option in ``FaceOptions``."""


def position(box: BoundingBox, photo: PhotoFaces) -> str:
    """Return the position of a face, in pixels of the upright photo: ``120x130+400+80``."""
    width, height = round(box.width * photo.width), round(box.height * photo.height)
    left, top = round(box.left * photo.width), round(box.top * photo.height)
    return f"{width}x{height}{left:+d}{top:+d}"


def face_table(faces: Iterable[ListedFace]) -> Table:
    """Return a table of stored faces."""
    rows = _table_of_faces()
    for face in faces:
        record = face.record
        _add_face(
            rows,
            record.face_id,
            record.external_image_id,
            name_or_id(face.person_name, face.user_id),
            record.source,
            record.confidence,
        )
    return rows


def stored_face_table(faces: Iterable[Mapping[str, Any]]) -> Table:
    """Return a table of stored faces, given in the form of ``schemas/face.json``."""
    rows = _table_of_faces()
    for face in faces:
        _add_face(
            rows,
            face["face_id"],
            face["external_image_id"],
            name_or_id(face.get("person_name"), face.get("user_id")),
            face["source"],
            face["confidence"],
        )
    return rows


def _table_of_faces() -> Table:
    return table(
        "face id", "who", "person", "photo", "confidence", right=("confidence",), whole=("face id",)
    )


def _add_face(
    rows: Table,
    face_id: str,
    external_image_id: str | None,
    person: str,
    source: str,
    confidence: float,
) -> None:
    rows.add_row(
        face_id,
        shown_name(external_image_id),
        person,
        shortened(source) or "-",
        f"{confidence:.3f}",
    )


def match_table(matches: Iterable[Match]) -> Table:
    """Return a table of matches."""
    rows = table("similarity", "distance", "who", "person", "photo", right=("similarity",))
    for match in matches:
        rows.add_row(
            f"{match.similarity:.3f}",
            f"{match.distance:.3f}",
            shown_name(match.face.external_image_id),
            name_or_id(match.person_name, match.user_id),
            shortened(match.face.source) or "-",
        )
    return rows


def print_remarks(photo: PhotoFaces) -> None:
    """Print how a photo was searched, and its rejected faces with the reasons."""
    out = console()
    if photo.rotation:
        out.print(f"searched after turning the photo by {photo.rotation} degrees clockwise")
    if photo.is_animated:
        out.print("searched the first frame of an animated file")
    if not photo.rejected:
        return
    out.print()
    out.print(f"{count(len(photo.rejected), 'face')} rejected:")
    for face in photo.rejected:
        reasons = ", ".join(face.reasons)
        out.print(f"  at {position(face.box, photo)}, confidence {face.confidence:.2f}: {reasons}")
    remedies = {name for face in photo.rejected for name in face.remedies}
    if remedies:
        out.print(f"to keep them: {', '.join(ADVICE[name] for name in ADVICE if name in remedies)}")
