"""Rules for finding the original photo of a face."""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Sequence

from facerec.errors import InvalidInputError
from facerec.gallery.transfer.importing import KnownFace
from facerec.imports.importing import FindPhotos

FIELDS = ("external_image_id", "face_id", "image_id")
"""Fields that a template may contain, in braces."""


def photos_by_template(template: str) -> FindPhotos:
    """Return the rule for a template such as ``s3://bucket/{external_image_id}.jpg``.

    Raises:
        InvalidInputError: The template is malformed, has no field or an unknown one, or a field has
            a conversion or a format.
    """
    try:
        parts = [part for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise InvalidInputError(
            f"the template {template!r} is malformed: {error}",
            "write each field in braces, such as {external_image_id}",
        ) from error
    fields = {name for _, name, _, _ in parts}
    plain = not any(spec or conversion for _, _, spec, conversion in parts)
    if not fields or not fields <= set(FIELDS) or not plain:
        shown = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise InvalidInputError(
            f"the template must contain at least one of {shown}, "
            "and no other field, conversion or format",
            "write each field in braces, such as {external_image_id}",
        )

    def find(face: KnownFace) -> Sequence[str]:
        if face.external_image_id is None and "external_image_id" in fields:
            return ()
        return (
            template.format(
                external_image_id=face.external_image_id,
                face_id=face.face_id,
                image_id=face.image_id,
            ),
        )

    return find


def photos_by_manifest(lines: Iterable[str]) -> FindPhotos:
    """Return the rule for a manifest: a JSON object per line, with ``photo`` and an id of the face.

    The id is ``face_id``, ``image_id`` or ``external_image_id``, as in the source. Several photos
    may have the same external image id.

    Raises:
        InvalidInputError: A line is not such an object; the message contains its number.
    """
    photos: dict[tuple[str, str], list[str]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name = next(
                name for name in ("face_id", "image_id", "external_image_id") if name in row
            )
            photos.setdefault((name, str(row[name])), []).append(str(row["photo"]))
        except (ValueError, TypeError, KeyError, StopIteration, RecursionError) as error:
            raise InvalidInputError(
                f"line {number} of the manifest is not valid",
                'lines look like {"external_image_id": "ann", "photo": "s3://bucket/ann.jpg"}',
            ) from error

    def find(face: KnownFace) -> Sequence[str]:
        for name in ("face_id", "image_id", "external_image_id"):
            found = photos.get((name, getattr(face, name) or ""))
            if found:
                return found
        return ()

    return find
