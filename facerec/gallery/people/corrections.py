"""Corrections: statements that a stored face does not show a person; searches obey them.

A correction identifies the person by a user id, an external image id or its part before the colon,
or the id of a face: see ``facerec.gallery.people.names``.

A search omits faces of that person that are less similar to the probe than the corrected face.
A search for the corrected face itself omits all faces of the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from facerec.gallery.listing import all_corrections
from facerec.gallery.people.names import person_names

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Correction, FaceRecord
    from facerec.storage.faces import FaceStore

Corrected = Mapping[str, frozenset[str]]
"""The names of the people that faces do not show, by face id."""


def corrected_faces(
    collection_id: str, face_ids: Sequence[str], *, records: RecordStore
) -> dict[str, frozenset[str]]:
    """Read which people faces do not show, as names by face id, without uncorrected faces."""
    return people_by_face(records.corrections_of_faces(collection_id, face_ids) if face_ids else ())


def people_by_face(corrections: Iterable[Correction]) -> dict[str, frozenset[str]]:
    """Group corrections by face: the names of the people that each face does not show."""
    found: dict[str, set[str]] = {}
    for each in corrections:
        found.setdefault(each.face_id, set()).add(each.person)
    return {face_id: frozenset(people) for face_id, people in found.items()}


def hidden_faces(
    nearest: Iterable[FaceRecord],
    owners: Mapping[str, str],
    corrected: Corrected,
    *,
    probe: FaceRecord | None = None,
) -> set[str]:
    """Return the ids of the faces that corrections hide from a search.

    Args:
        nearest: Faces that the search found, most similar first; not read if there are no
            corrections.
        owners: People of faces by face id.
        corrected: Corrections of the faces and of the probe.
        probe: The stored face that is searched for; None if the probe is not stored.
    """
    hidden: set[str] = set()
    if not corrected:
        return hidden
    excluded = set() if probe is None else set(corrected.get(probe.face_id, ()))
    own = frozenset[str]() if probe is None else _names(probe, owners, corrected)
    for record in nearest:
        not_shown = corrected.get(record.face_id, frozenset())
        if excluded & _names(record, owners, corrected) or not_shown & own:
            hidden.add(record.face_id)
        else:
            excluded |= not_shown
    return hidden


def forget_corrections(
    collection_id: str,
    *,
    gone: Sequence[str] = (),
    people: Iterable[str] = (),
    faces: FaceStore,
    records: RecordStore,
) -> int:
    """Erase corrections of deleted faces, and of people without any remaining face.

    Args:
        collection_id: Id of the collection.
        gone: Ids of the deleted faces.
        people: Names in corrections that may no longer refer to a person or a face.
        faces: Store of the collection's faces.
        records: Store of its corrections.

    Returns:
        The number of corrections that were erased.

    Raises:
        ConflictError: Too many concurrent changes of the corrections.
    """
    forgotten = [
        *(records.corrections_of_faces(collection_id, gone) if gone else ()),
        *(records.corrections_of_people(collection_id, gone) if gone else ()),
    ]
    about = records.corrections_of_people(collection_id, sorted({*people} - {*gone}))
    left = names_left(collection_id, {each.person for each in about}, faces=faces, records=records)
    forgotten += [each for each in about if each.person not in left]
    if not forgotten:
        return 0
    return records.remove_corrections(collection_id, sorted(set(forgotten)))


def count_corrections(collection_id: str, *, records: RecordStore) -> int:
    """Return the number of corrections of a collection."""
    return sum(1 for _ in all_corrections(collection_id, records=records))


def names_left(
    collection_id: str, people: set[str], *, faces: FaceStore, records: RecordStore
) -> set[str]:
    """Return the names that still refer to a person or a face.

    Reads all faces, unless every name is the id of a person.

    Args:
        collection_id: Id of the collection.
        people: Names by which corrections refer to people.
        faces: Store of the collection's faces.
        records: Store of its people.
    """
    left = {user.user_id for user in records.get_users(collection_id, sorted(people))}
    if left != people:
        for record in faces.all_faces(collection_id):
            left |= person_names(record, None) & people
            if left == people:
                break
    return left


def _names(record: FaceRecord, owners: Mapping[str, str], corrected: Corrected) -> frozenset[str]:
    """Return the names of the person that a face shows, without those that corrections exclude."""
    names = person_names(record, owners.get(record.face_id))
    return names - corrected.get(record.face_id, frozenset())
