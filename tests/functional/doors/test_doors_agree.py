"""Each operation of a gallery through every door, compared with the Python API's answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from facerec.core.derived_names import derived_external_image_id
from facerec.core.erasures import Selection, SubjectKind
from facerec.core.records import Collection
from facerec.factory.erasures import open_erasures
from facerec.gallery.collection_results import ListedFace
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.functional.doors.conftest import DOORS, put_photo
from tests.support.doors import Door, DoorError, Found, Page
from tests.support.doors.base import rounded
from tests.support.jobs import LocalJob

ANN = fake_photo(fake_face("ann"))
PAIR = fake_photo(fake_face("ann", width=0.3), fake_face("bob", left=0.6, away=0.1))
NOBODY = fake_photo()
DOUBTFUL = fake_photo(fake_face("ann", confidence=0.7), fake_face("bob", left=0.5, confidence=0.3))
BLURRED = fake_photo(fake_face("ann", sharp=False))
STRANGER = fake_photo(fake_face("zoe"))
NO_PHOTO = b"no photo"
UNKNOWN_FACE = "00000000-0000-8000-8000-000000000000"
NO_FACE_ID = "ann.jpg"


def index(door: Door, person: str, shot: int = 0) -> str:
    photo = fake_photo(fake_face(person, away=0.1, shot=shot))
    (face,) = door.gallery.index("staff", photo, external_image_id=person).faces
    return face.record.face_id


def staff(door: Door) -> None:
    """The collection ``staff`` with two faces, one of them of the user ``ann``."""
    door.gallery.create_collection("staff")
    ann = index(door, "ann")
    index(door, "bob")
    door.gallery.create_user("staff", "ann")
    door.gallery.associate_faces("staff", "ann", [ann])


NEAR = fake_photo(fake_face("ann", away=0.3))


def deleting(door: Door) -> None:
    """The collection ``staff``, whose deletion was interrupted after it was noted."""
    staff(door)
    collection = door.gallery.describe_collection("staff").collection
    deletion = Selection(
        created_before=collection.created_at,
        created_at=collection.created_at,
        collections=frozenset((collection.created_at,)),
    )
    erasures = open_erasures(f"{door.jobs_root.removesuffix('jobs/')}erasures/")
    erasures.begin("staff", SubjectKind.COLLECTION, deletion, time.time())


TARGET_RATES = (0.5, 1e-12)
"""Shares of searches for a stranger: with the first one similar faces match, with the other none
that is not equal."""


def many(door: Door) -> None:
    """A collection with 120 faces of one person, on two photos."""
    door.gallery.create_collection("staff")
    for first in (0, 60):
        faces = (
            fake_face(
                "ann", away=0.1, shot=first + n, left=n % 10 / 10, top=n // 10 / 10, width=0.05
            )
            for n in range(60)
        )
        door.gallery.index("staff", fake_photo(*faces))


def nothing(door: Door) -> None:
    """No collection at all."""


def other_model(door: Door) -> None:
    """A collection of another model version."""
    door.gallery._records.create_collection(Collection("staff", "other-1", 1.0))


def paths(door: Door) -> None:
    """The collection ``staff`` with faces of photos whose paths look like others' ids."""
    door.gallery.create_collection("staff")
    for shot, path in enumerate(("Zoë/1", "Zoë:1", "x y", "x.x20y")):
        photo = fake_photo(fake_face("zoe", away=0.1, shot=shot))
        door.gallery.index("staff", photo, external_image_id=derived_external_image_id(path))


def prepared(door: Door) -> None:
    """A collection with a face of a photo in a file, described with the other recipe too."""
    path = door.data.parent / f"{door.data.name}.photo"
    path.write_bytes(ANN)
    door.gallery.create_collection("staff")
    door.gallery.index("staff", path)
    door.gallery.prepare_migration("staff", "accurate")


def partly_sent(door: Door) -> None:
    """A collection with a face of a photo in a file, and with one of a photo that was sent."""
    path = door.data.parent / f"{door.data.name}.photo"
    path.write_bytes(ANN)
    door.gallery.create_collection("staff")
    door.gallery.index("staff", path)
    (sent,) = door.gallery.index("staff", STRANGER).faces
    door.gallery.create_user("staff", "zoe")
    door.gallery.associate_faces("staff", "zoe", [sent.record.face_id])


def switched_and_indexed(door: Door) -> None:
    """A collection that serves the other recipe, with a photo that was indexed since."""
    switched(door)
    path = door.data.parent / f"{door.data.name}-later.photo"
    path.write_bytes(STRANGER)
    door.gallery.index("staff", path)


def switched(door: Door) -> None:
    """The same collection, which serves the other recipe."""
    prepared(door)
    door.gallery.switch_version("staff")


def three(door: Door) -> None:
    """Three collections."""
    for name in ("a", "b", "c"):
        door.gallery.create_collection(name)


def tagged(door: Door) -> None:
    """A collection with tags."""
    door.gallery.create_collection("staff", tags={"team": "blue", "floor": "2"})


def crowd(door: Door) -> None:
    """The collection ``staff`` with four more users, one of them with a face."""
    staff(door)
    for user_id in ("bob", "cyd", "dan", "eve"):
        door.gallery.create_user("staff", user_id)
    door.gallery.associate_faces("staff", "bob", [bob(door)])


def named(door: Door) -> None:
    """The collection ``staff`` with more users, one of them with a display name."""
    crowd(door)
    door.gallery.rename_user("staff", "ann", "Ann Müller")


CONSENT = ("2020-01-01", "2099-01-01")
"""Days of a consent that holds, and of its expiry."""


def registered(door: Door) -> None:
    """The collection ``staff``, whose user is registered."""
    staff(door)
    door.gallery.register_user("staff", "ann", consent=CONSENT[0], expires=CONSENT[1])


def matched(door: Door) -> None:
    """The collection ``staff`` with three events, of which one was not accepted."""
    registered(door)
    for shot in range(3):
        index(door, "ann", shot + 1)
    store = door.gallery._registrations
    assert store is not None
    claimed = store.claim_event(time.time() + 1, time.time() + 60)
    assert claimed is not None
    store.note_undelivered(claimed.event, "no answer", time.time() + 3600)


def due_events(door: Door) -> int:
    """Return how many events are due soon."""
    events = door.gallery.list_events("staff").events
    return sum(kept.due_at < time.time() + 1 for kept in events)


def registration_of(door: Door) -> object:
    return door.gallery.describe_user("staff", "ann").registration


def merged(door: Door) -> None:
    """The collection ``staff`` with the faces of two people as one user's."""
    crowd(door)
    door.gallery.merge_users("staff", "ann", "bob")


def names_of(door: Door) -> list[tuple[str, str | None]]:
    return [(user.user_id, user.name) for user in door.gallery.list_users("staff").users]


def alike(door: Door) -> None:
    """The collection ``staff`` with a second face of Ann, and a second user."""
    crowd(door)
    index(door, "ann", 1)


def rivals(door: Door) -> None:
    """The collection ``staff`` with a third face of Ann, and another user who has the second."""
    alike(door)
    door.gallery.associate_faces("staff", "cyd", [ann2(door)])
    index(door, "ann", 2)


def corrected(door: Door) -> None:
    """The collection ``staff`` with three corrections."""
    alike(door)
    for face_id, person in ((ann2(door), "bob"), (ann2(door), "cyd"), (bob(door), "ann")):
        door.gallery.not_same("staff", face_id, person)


def without_ids(entries: list[object]) -> list[object]:
    """Return entries of the history without their ids, which differ each time."""
    return [entry[1] for entry in entries if isinstance(entry, tuple)]


def last_change(door: Door) -> str:
    """Return the id of the newest entry of the history."""
    return door.gallery.list_history("staff").entries[0].cause.entry_id


def last_action(door: Door) -> object:
    """Return what the newest entry of the history says."""
    return without_ids(door.page_of_history("staff", 1, None).entries)


def undo_twice(door: Door) -> object:
    """Undo an entry twice."""
    entry_id = last_change(door)
    door.undo("staff", entry_id)
    return door.undo("staff", entry_id)


def unknown(door: Door) -> None:
    """The collection ``staff`` with clusters of three and two faces, and a user ``ann``."""
    door.gallery.create_collection("staff")
    door.gallery.create_user("staff", "ann")
    for person, shots in (("zoe", 3), ("bob", 2)):
        for shot in range(shots):
            index(door, person, shot)
    door.gallery.cluster_faces("staff")


def clusters_of(door: Door) -> list[tuple[str, int, str | None]]:
    door.gallery.cluster_faces("staff")
    clusters = door.gallery.list_clusters("staff").clusters
    return [(each.cluster_id, len(each.face_ids), each.user_id) for each in clusters]


def threshold_of(door: Door) -> float | None:
    return door.gallery.describe_collection("staff").collection.threshold


def corrections_of(door: Door) -> list[tuple[str, str]]:
    page = door.gallery.list_corrections("staff")
    return [(each.face_id, each.person) for each in page.corrections]


def pictured(door: Door) -> None:
    """A collection with a face of a photo that is still where it was found."""
    door.gallery.create_collection("staff")
    photo = door.data / "photo.jpg"
    Image.new("RGB", (640, 480), "teal").save(photo)
    door.gallery.index("staff", put_photo(photo, door))


def found(
    door: Door, photo: bytes, threshold: float | None = None
) -> list[tuple[str, float, str | None]]:
    return matches(door.search("staff", photo, threshold=threshold))


def matches(searched: list[Found]) -> list[tuple[str, float, str | None]]:
    return [(match.face_id, rounded(match.similarity), match.user_id) for match in searched]


def all_rounded(ratios: list[float]) -> list[float]:
    return [rounded(ratio) for ratio in ratios]


def faces_of(door: Door, person: str) -> list[ListedFace]:
    """Return the faces of a person, those that a user has before the others."""
    listed = door.gallery.list_faces("staff").faces
    own = [face for face in listed if face.record.external_image_id == person]
    return sorted(own, key=lambda face: face.user_id is None)


def ann(door: Door) -> str:
    return faces_of(door, "ann")[0].record.face_id


def ann2(door: Door) -> str:
    return faces_of(door, "ann")[1].record.face_id


def bob(door: Door) -> str:
    return faces_of(door, "bob")[0].record.face_id


def only(door: Door) -> str:
    """Return the first face of all."""
    return door.gallery.list_faces("staff").faces[0].record.face_id


def users_of(door: Door) -> list[str]:
    return [user.user_id for user in door.gallery.list_users("staff").users]


def staff_with_threshold(door: Door) -> None:
    """The collection ``staff`` with a threshold that the search for a pair does not reach."""
    staff(door)
    door.gallery.set_threshold("staff", 0.9999)


def staff_with_correction(door: Door) -> None:
    """The collection ``staff`` with a face that resembles the user ``ann`` and is another's."""
    staff(door)
    (twin,) = door.gallery.index("staff", ANN, external_image_id="twin").faces
    door.gallery.not_same("staff", twin.record.face_id, "ann")


@dataclass(frozen=True)
class Row:
    """An operation of ``Gallery`` as a caller of any door uses it.

    Attributes:
        method: The method of ``Gallery`` that it calls.
        prepare: Fills the stores.
        run: Calls the operation and returns what doors are compared by.
    """

    method: str
    prepare: Callable[[Door], None]
    run: Callable[[Door], object]


def then(*steps: object) -> object:
    """Return the last of some results."""
    return steps[-1]


def pages(read: Callable[[int, str | None], Page], limit: int) -> list[list[object]]:
    """Return the pages of a listing."""
    found, token = [], None
    while True:
        page = read(limit, token)
        found.append(page.entries)
        token = page.next_token
        if token is None:
            return found


def with_token_of_another_listing(door: Door) -> object:
    token = door.page_of_faces("staff", 1, None).next_token
    return door.page_of_users("staff", 1, token)


OF_A_CLUSTER: dict[str, Callable[[Door, str], object]] = {
    "describe_cluster": lambda door, cluster_id: door.describe_cluster("staff", cluster_id),
    "name_cluster": lambda door, cluster_id: door.name_cluster("staff", cluster_id, "zoe"),
    "ignore_cluster": lambda door, cluster_id: door.ignore_cluster("staff", cluster_id),
    "not_same_cluster": lambda door, cluster_id: door.not_same_cluster("staff", cluster_id, "ann"),
}
"""The operations on a cluster."""

NO_CLUSTER_IDS = ("x", "c0", "c\N{ARABIC-INDIC DIGIT ONE}")
OTHER_DIGITS = "\N{FULLWIDTH DIGIT TWO}0260131T120000Z-00000000"

OF_A_FACE: dict[str, Callable[[Door, str], object]] = {
    "thumbnail": lambda door, face_id: door.thumbnail("staff", face_id),
    "not_same": lambda door, face_id: door.not_same("staff", face_id, "ann"),
    "lift_correction": lambda door, face_id: door.lift_correction("staff", face_id, "ann"),
    "not_a_face": lambda door, face_id: door.not_a_face("staff", face_id),
    "split_user": lambda door, face_id: door.split_user("staff", "ann", [face_id], "bea"),
    "search_users_by_face": lambda door, face_id: door.search_users_by_face("staff", face_id),
    "export": lambda door, face_id: door.export("staff", SubjectKind.FACE, face_id),
}
"""Operations on a face besides those that have a row each."""

ROWS = {
    "create a collection": Row(
        "create_collection", nothing, lambda door: door.create_collection("staff")
    ),
    "create one that exists": Row(
        "create_collection", staff, lambda door: door.create_collection("staff")
    ),
    "create one of an invalid name": Row(
        "create_collection", nothing, lambda door: door.create_collection("a b")
    ),
    "create one that is being deleted": Row(
        "create_collection", deleting, lambda door: door.create_collection("staff")
    ),
    "set a threshold of a collection that is being deleted": Row(
        "set_threshold", deleting, lambda door: door.set_threshold("staff", 0.9)
    ),
    "index into a collection that is being deleted": Row(
        "index", deleting, lambda door: door.index("staff", PAIR)
    ),
    "tag a collection that is being deleted": Row(
        "set_tags", deleting, lambda door: door.set_tags("staff", {"team": "red"})
    ),
    "create a user in a collection that is being deleted": Row(
        "create_user", deleting, lambda door: door.create_user("staff", "wei")
    ),
    "associate a face in a collection that is being deleted": Row(
        "associate_faces", deleting, lambda door: door.associate_faces("staff", "ann", [bob(door)])
    ),
    "list collections": Row("list_collections", staff, lambda door: door.list_collections()),
    "page through collections": Row(
        "list_collections", three, lambda door: pages(door.page_of_collections, 2)
    ),
    "describe a collection": Row(
        "describe_collection", staff, lambda door: door.describe_collection("staff")
    ),
    "describe an unknown one": Row(
        "describe_collection", nothing, lambda door: door.describe_collection("staff")
    ),
    "delete a collection": Row(
        "delete_collection",
        staff,
        lambda door: then(door.delete_collection("staff"), list(door.gallery.all_collections())),
    ),
    "delete an unknown collection": Row(
        "delete_collection", nothing, lambda door: door.delete_collection("staff")
    ),
    "tags of a collection": Row("get_tags", tagged, lambda door: door.get_tags("staff")),
    "tags of an unknown collection": Row("get_tags", nothing, lambda door: door.get_tags("staff")),
    "add a tag": Row(
        "set_tags",
        tagged,
        lambda door: then(
            door.set_tags("staff", {"team": "red", "site": "x"}), door.gallery.get_tags("staff")
        ),
    ),
    "add a tag of AWS": Row("set_tags", staff, lambda door: door.set_tags("staff", {"aws:a": "b"})),
    "remove tags": Row(
        "remove_tags",
        tagged,
        lambda door: then(
            door.remove_tags("staff", ["team", "none"]), door.gallery.get_tags("staff")
        ),
    ),
    "migration of a collection that has none": Row(
        "migration_status", staff, lambda door: door.migration_status("staff")
    ),
    "migration of an unknown collection": Row(
        "migration_status", nothing, lambda door: door.migration_status("staff")
    ),
    "migration that is prepared": Row(
        "migration_status", prepared, lambda door: door.migration_status("staff")
    ),
    "migrate": Row(
        "migrate",
        prepared,
        lambda door: then(door.migrate("staff", "accurate"), found(door, ANN)),
    ),
    "migrate to the recipe that is served": Row(
        "migrate", staff, lambda door: door.migrate("staff", "fast")
    ),
    "migrate a second time": Row(
        "migrate", switched, lambda door: door.migrate("staff", "accurate")
    ),
    "migrate back": Row("migrate", switched, lambda door: door.migrate("staff", "fast")),
    "migrate a face that cannot be described": Row(
        "migrate", partly_sent, lambda door: door.migrate("staff", "accurate")
    ),
    "migrate and delete what cannot be described": Row(
        "migrate",
        partly_sent,
        lambda door: then(
            door.migrate("staff", "accurate", drop_missing=True), found(door, STRANGER)
        ),
    ),
    "roll a migration back": Row(
        "roll_back_migration",
        switched_and_indexed,
        lambda door: then(door.roll_back_migration("staff"), found(door, STRANGER)),
    ),
    "roll a migration back before the switch": Row(
        "roll_back_migration", prepared, lambda door: door.roll_back_migration("staff")
    ),
    "roll no migration back": Row(
        "roll_back_migration", staff, lambda door: door.roll_back_migration("staff")
    ),
    "look for the photos of a migration": Row(
        "prepare_migration", staff, lambda door: door.prepare_migration("staff", "accurate")
    ),
    "migrate to the same recipe": Row(
        "prepare_migration", staff, lambda door: door.prepare_migration("staff", "fast")
    ),
    "switch the version": Row(
        "switch_version",
        prepared,
        lambda door: then(door.switch_version("staff"), found(door, ANN)),
    ),
    "switch the version again": Row(
        "switch_version", switched, lambda door: door.switch_version("staff")
    ),
    "cancel a migration after the switch": Row(
        "cancel_migration",
        switched,
        lambda door: then(door.cancel_migration("staff"), found(door, ANN)),
    ),
    "finish a migration": Row(
        "finish_migration", switched, lambda door: door.finish_migration("staff")
    ),
    "finish a migration before the switch": Row(
        "finish_migration", prepared, lambda door: door.finish_migration("staff")
    ),
    "finish no migration": Row(
        "finish_migration", staff, lambda door: door.finish_migration("staff")
    ),
    "cancel a migration": Row(
        "cancel_migration", prepared, lambda door: door.cancel_migration("staff")
    ),
    "cancel no migration": Row(
        "cancel_migration", staff, lambda door: door.cancel_migration("staff")
    ),
    "refresh stats": Row(
        "refresh_stats",
        staff,
        lambda door: then(door.refresh_stats("staff"), found(door, PAIR)),
    ),
    "refresh stats of an unknown collection": Row(
        "refresh_stats", nothing, lambda door: door.refresh_stats("staff")
    ),
    "list faces": Row("list_faces", staff, lambda door: door.list_faces("staff")),
    "list faces of a user": Row(
        "list_faces", staff, lambda door: door.list_faces("staff", user_id="ann")
    ),
    "list faces of an unknown user": Row(
        "list_faces", staff, lambda door: door.list_faces("staff", user_id="wei")
    ),
    "list many faces": Row("list_faces", many, lambda door: len(door.list_faces("staff"))),
    "list faces of an unknown collection": Row(
        "list_faces", nothing, lambda door: door.list_faces("staff")
    ),
    "page through faces": Row(
        "list_faces",
        many,
        lambda door: pages(lambda limit, token: door.page_of_faces("staff", limit, token), 50),
    ),
    "a page of too many faces": Row(
        "list_faces", staff, lambda door: door.page_of_faces("staff", 4097, None)
    ),
    "the largest page of faces": Row(
        "list_faces", staff, lambda door: door.page_of_faces("staff", 4096, None)
    ),
    "a token of no listing": Row(
        "list_faces", staff, lambda door: door.page_of_faces("staff", 1, "abc")
    ),
    "delete a face": Row(
        "delete_faces",
        staff,
        lambda door: then(door.delete_face("staff", bob(door)), door.list_faces("staff")),
    ),
    "delete a face of a user": Row(
        "delete_faces", staff, lambda door: door.delete_face("staff", ann(door))
    ),
    "delete a face with its association": Row(
        "delete_faces",
        staff,
        lambda door: then(door.delete_face_of_user("staff", ann(door)), door.list_faces("staff")),
    ),
    "delete some faces": Row(
        "delete_faces",
        alike,
        lambda door: door.delete_faces("staff", [ann2(door), UNKNOWN_FACE, ann(door), ann2(door)]),
    ),
    "delete many faces": Row(
        "delete_faces",
        staff,
        lambda door: door.delete_faces("staff", [bob(door), *[UNKNOWN_FACE] * 4096]),
    ),
    "delete an unknown face": Row(
        "delete_faces", staff, lambda door: door.delete_face("staff", UNKNOWN_FACE)
    ),
    "delete no valid face": Row(
        "delete_faces", staff, lambda door: door.delete_face("staff", NO_FACE_ID)
    ),
    "erase no valid face": Row(
        "erase", staff, lambda door: door.erase("staff", SubjectKind.FACE, NO_FACE_ID)
    ),
    "erase an unknown face": Row(
        "erase", staff, lambda door: door.erase("staff", SubjectKind.FACE, UNKNOWN_FACE)
    ),
    "erase an unknown user": Row(
        "erase", staff, lambda door: door.erase("staff", SubjectKind.USER, "wei")
    ),
    "search by no valid face": Row(
        "search_face", staff, lambda door: door.search_face("staff", NO_FACE_ID)
    ),
    "associate no valid face": Row(
        "associate_faces", staff, lambda door: door.associate_faces("staff", "ann", [NO_FACE_ID])
    ),
    "associate too many faces": Row(
        "associate_faces",
        staff,
        lambda door: door.associate_faces("staff", "ann", [UNKNOWN_FACE] * 101),
    ),
    "disassociate no valid face": Row(
        "disassociate_faces",
        staff,
        lambda door: door.disassociate_faces("staff", "ann", [NO_FACE_ID]),
    ),
    "thumbnail": Row("thumbnail", pictured, lambda door: door.thumbnail("staff", only(door))),
    "thumbnail of a photo that is gone": Row(
        "thumbnail", staff, lambda door: door.thumbnail("staff", bob(door))
    ),
    "thumbnail of an unknown face": Row(
        "thumbnail", staff, lambda door: door.thumbnail("staff", UNKNOWN_FACE)
    ),
    "index": Row("index", staff, lambda door: door.index("staff", PAIR)),
    "index with no photo": Row("index", staff, lambda door: door.index("staff", NO_PHOTO)),
    "index without a face": Row("index", staff, lambda door: door.index("staff", NOBODY)),
    "index into an unknown collection": Row(
        "index", nothing, lambda door: door.index("staff", PAIR)
    ),
    "search": Row("search", staff, lambda door: found(door, PAIR)),
    "search with any similarity": Row(
        "search", staff, lambda door: found(door, ANN, threshold=0.0)
    ),
    "search with high similarity": Row(
        "search", staff, lambda door: found(door, ANN, threshold=0.9999)
    ),
    "search with an impossible similarity": Row(
        "search", staff, lambda door: found(door, ANN, threshold=1.5)
    ),
    "search at a target rate": Row(
        "search",
        staff,
        lambda door: [len(door.search("staff", NEAR, target_fmr=rate)) for rate in TARGET_RATES],
    ),
    "search at an impossible target rate": Row(
        "search", staff, lambda door: door.search("staff", ANN, target_fmr=2)
    ),
    "search at a target rate and a threshold": Row(
        "search", staff, lambda door: door.search("staff", ANN, threshold=0.8, target_fmr=0.01)
    ),
    "search for the best match": Row(
        "search", many, lambda door: len(door.search("staff", ANN, limit=1))
    ),
    "search with the threshold of the collection": Row(
        "search",
        staff_with_threshold,
        lambda door: found(door, fake_photo(fake_face("ann", away=0.3))),
    ),
    "search with a correction": Row(
        "search", staff_with_correction, lambda door: found(door, PAIR)
    ),
    "search for the same photo at the highest threshold": Row(
        "search", staff, lambda door: matches(door.search("staff", ANN, threshold=1.0))
    ),
    "search among many": Row("search", many, lambda door: len(door.search("staff", ANN))),
    "search for too many matches": Row(
        "search", staff, lambda door: door.search("staff", ANN, limit=4097)
    ),
    "search for a doubtful face": Row("search", staff, lambda door: found(door, DOUBTFUL)),
    "search for a blurred face": Row("search", staff, lambda door: found(door, BLURRED)),
    "search for a sharp face": Row(
        "search", staff, lambda door: door.search("staff", BLURRED, quality_filter="HIGH")
    ),
    "search without a face": Row("search", staff, lambda door: found(door, NOBODY)),
    "search with no photo": Row("search", staff, lambda door: found(door, NO_PHOTO)),
    "search an unknown collection": Row("search", nothing, lambda door: found(door, ANN)),
    "search a collection of another model": Row(
        "search", other_model, lambda door: found(door, ANN)
    ),
    "search for a stored face": Row(
        "search_face", many, lambda door: matches(door.search_face("staff", only(door)))
    ),
    "search for the best match of a stored face": Row(
        "search_face", many, lambda door: len(door.search_face("staff", only(door), limit=1))
    ),
    "search for a stored face at a target rate": Row(
        "search_face",
        many,
        lambda door: [
            len(door.search_face("staff", only(door), target_fmr=rate)) for rate in TARGET_RATES
        ],
    ),
    "search for a stored face at an impossible target rate": Row(
        "search_face", many, lambda door: door.search_face("staff", only(door), target_fmr=2)
    ),
    "search for an unknown face": Row(
        "search_face", staff, lambda door: door.search_face("staff", UNKNOWN_FACE)
    ),
    "search for a face in an unknown collection": Row(
        "search_face", nothing, lambda door: door.search_face("staff", UNKNOWN_FACE)
    ),
    "compare": Row("compare", nothing, lambda door: all_rounded(door.compare(ANN, PAIR))),
    "compare doubtful faces": Row(
        "compare", nothing, lambda door: all_rounded(door.compare(DOUBTFUL, DOUBTFUL))
    ),
    "compare sharp faces": Row(
        "compare", nothing, lambda door: door.compare(BLURRED, ANN, quality_filter="HIGH")
    ),
    "compare without a face": Row("compare", nothing, lambda door: door.compare(ANN, NOBODY)),
    "detect": Row("detect", nothing, lambda door: all_rounded(door.detect(PAIR))),
    "detect doubtful faces": Row(
        "detect", nothing, lambda door: all_rounded(door.detect(DOUBTFUL))
    ),
    "detect with an unknown detector": Row(
        "detect", nothing, lambda door: door.detect(ANN, detector="eyes")
    ),
    "detect in no photo": Row("detect", nothing, lambda door: door.detect(NO_PHOTO)),
    "set a threshold": Row(
        "set_threshold",
        staff,
        lambda door: then(door.set_threshold("staff", 0.9), threshold_of(door)),
    ),
    "remove a threshold": Row(
        "set_threshold",
        staff_with_threshold,
        lambda door: then(door.set_threshold("staff", None), threshold_of(door)),
    ),
    "set an impossible threshold": Row(
        "set_threshold", staff, lambda door: door.set_threshold("staff", 1.5)
    ),
    "set the threshold of an unknown collection": Row(
        "set_threshold", nothing, lambda door: door.set_threshold("staff", 0.9)
    ),
    "correct a face": Row(
        "not_same",
        alike,
        lambda door: then(door.not_same("staff", ann2(door), "ann"), corrections_of(door)),
    ),
    "correct a face of a user": Row(
        "not_same", staff, lambda door: door.not_same("staff", ann(door), "ann")
    ),
    "correct an unknown face": Row(
        "not_same", staff, lambda door: door.not_same("staff", UNKNOWN_FACE, "ann")
    ),
    "lift a correction": Row(
        "lift_correction",
        corrected,
        lambda door: then(door.lift_correction("staff", ann2(door), "bob"), corrections_of(door)),
    ),
    "lift no correction": Row(
        "lift_correction", staff, lambda door: door.lift_correction("staff", bob(door), "ann")
    ),
    "page through corrections": Row(
        "list_corrections",
        corrected,
        lambda door: pages(lambda limit, token: door.page_of_corrections("staff", limit, token), 2),
    ),
    "a page of too many corrections": Row(
        "list_corrections", staff, lambda door: door.page_of_corrections("staff", 4097, None)
    ),
    "page through the history": Row(
        "list_history",
        corrected,
        lambda door: without_ids(
            pages(lambda limit, token: door.page_of_history("staff", limit, token), 2)
        ),
    ),
    "the history of a user": Row(
        "list_history",
        named,
        lambda door: without_ids(door.page_of_history("staff", None, None, "Ann Müller").entries),
    ),
    "the history of nobody": Row(
        "list_history", staff, lambda door: door.page_of_history("staff", None, None, "nobody")
    ),
    "a page of too much history": Row(
        "list_history", staff, lambda door: door.page_of_history("staff", 501, None)
    ),
    "undo a change": Row(
        "undo",
        named,
        lambda door: [door.undo("staff", last_change(door)), names_of(door), last_action(door)],
    ),
    "undo a change again": Row("undo", named, lambda door: undo_twice(door)),
    "undo what was never changed": Row(
        "undo", staff, lambda door: door.undo("staff", "20260102T030405123456Z-0f3c")
    ),
    "cluster faces": Row(
        "cluster_faces", alike, lambda door: then(door.cluster_faces("staff"), clusters_of(door))
    ),
    "cluster faces of an unknown collection": Row(
        "cluster_faces", nothing, lambda door: door.cluster_faces("staff")
    ),
    "page through clusters": Row(
        "list_clusters",
        unknown,
        lambda door: pages(lambda limit, token: door.page_of_clusters("staff", limit, token), 1),
    ),
    "a page of too many clusters": Row(
        "list_clusters", unknown, lambda door: door.page_of_clusters("staff", 501, None)
    ),
    "describe a cluster": Row(
        "describe_cluster", unknown, lambda door: door.describe_cluster("staff", "c2")
    ),
    "describe an unknown cluster": Row(
        "describe_cluster", unknown, lambda door: door.describe_cluster("staff", "c3")
    ),
    "name a cluster": Row(
        "name_cluster",
        unknown,
        lambda door: (door.name_cluster("staff", "c1", "zoe"), clusters_of(door)),
    ),
    "name a cluster as somebody who exists": Row(
        "name_cluster", unknown, lambda door: door.name_cluster("staff", "c2", "ann")
    ),
    "name an unknown cluster": Row(
        "name_cluster",
        unknown,
        lambda door: door.name_cluster("staff", "c3", "zoe"),
    ),
    "ignore a cluster": Row(
        "ignore_cluster",
        unknown,
        lambda door: then(door.ignore_cluster("staff", "c1"), clusters_of(door)),
    ),
    "ignore an unknown cluster": Row(
        "ignore_cluster", unknown, lambda door: door.ignore_cluster("staff", "c3")
    ),
    "correct a cluster": Row(
        "not_same_cluster",
        unknown,
        lambda door: then(door.not_same_cluster("staff", "c2", "ann"), corrections_of(door)),
    ),
    "correct an unknown cluster": Row(
        "not_same_cluster", unknown, lambda door: door.not_same_cluster("staff", "c3", "ann")
    ),
    "say that what was found is not a face": Row(
        "not_a_face",
        unknown,
        lambda door: then(door.not_a_face("staff", bob(door)), clusters_of(door)),
    ),
    "say that of a face of a user": Row(
        "not_a_face", staff, lambda door: door.not_a_face("staff", ann(door))
    ),
    "say that of an unknown face": Row(
        "not_a_face", staff, lambda door: door.not_a_face("staff", UNKNOWN_FACE)
    ),
    "erase a name": Row(
        "erase",
        alike,
        lambda door: then(
            [door.erase("staff", SubjectKind.EXTERNAL_ID, "ann"), door.list_faces("staff")]
        ),
    ),
    "erase shown names": Row(
        "erase",
        paths,
        lambda door: then(
            [
                *(
                    door.erase("staff", SubjectKind.EXTERNAL_ID, name)
                    for name in ("Zoë.x3A1", "x y", "Zoë/2", "x.x20y")
                ),
                door.list_faces("staff"),
            ]
        ),
    ),
    **{
        f"{method} what no id names: {cluster_id}": Row(
            method,
            unknown,
            lambda door, call=call, cluster_id=cluster_id: call(door, cluster_id),
        )
        for method, call in OF_A_CLUSTER.items()
        for cluster_id in NO_CLUSTER_IDS
    },
    "undo what no id names": Row("undo", named, lambda door: door.undo("staff", "a b")),
    "show an erasure that no id names": Row(
        "get_erasure", staff, lambda door: door.get_erasure("staff", "a b")
    ),
    "show an erasure with other digits": Row(
        "get_erasure", staff, lambda door: door.get_erasure("staff", OTHER_DIGITS)
    ),
    **{
        f"{method} no valid face": Row(
            method, alike, lambda door, call=call: call(door, NO_FACE_ID)
        )
        for method, call in OF_A_FACE.items()
    },
    **{
        f"{method} an empty {kind}": Row(
            method,
            staff,
            lambda door, method=method, kind=kind: getattr(door, method)("staff", kind, ""),
        )
        for method in ("erase", "export")
        for kind in SubjectKind
        if kind not in (SubjectKind.COLLECTION, SubjectKind.EXPIRED)
    },
    "export a shown name": Row(
        "export", paths, lambda door: door.export("staff", SubjectKind.EXTERNAL_ID, "Zoë:1")
    ),
    "erase a face": Row(
        "erase", staff, lambda door: door.erase("staff", SubjectKind.FACE, ann(door))
    ),
    "erase a user": Row(
        "erase",
        crowd,
        lambda door: then([door.erase("staff", SubjectKind.USER, "bob"), users_of(door)]),
    ),
    "erase from an unknown collection": Row(
        "erase", nothing, lambda door: door.erase("staff", SubjectKind.EXTERNAL_ID, "ann")
    ),
    "export what is held about a name": Row(
        "export", corrected, lambda door: door.export("staff", SubjectKind.EXTERNAL_ID, "ann")
    ),
    "export what is held about a face": Row(
        "export", staff, lambda door: door.export("staff", SubjectKind.FACE, ann(door))
    ),
    "export what is held about a user": Row(
        "export", named, lambda door: door.export("staff", SubjectKind.USER, "ann")
    ),
    "export what is held about nobody": Row(
        "export", staff, lambda door: door.export("staff", SubjectKind.EXTERNAL_ID, "wei")
    ),
    "export from an unknown collection": Row(
        "export", nothing, lambda door: door.export("staff", SubjectKind.EXTERNAL_ID, "ann")
    ),
    "set a retention": Row(
        "set_retention",
        staff,
        lambda door: then(
            door.set_retention("staff", 30),
            (door.get_retention("staff"), door.gallery.get_retention("staff")),
        ),
    ),
    "set a retention that is too long": Row(
        "set_retention", staff, lambda door: door.set_retention("staff", 36_501)
    ),
    "set a retention of an unknown collection": Row(
        "set_retention", nothing, lambda door: door.set_retention("staff", 30)
    ),
    "remove a retention": Row(
        "set_retention",
        staff,
        lambda door: then(
            door.set_retention("staff", 30),
            door.set_retention("staff", None),
            door.gallery.get_retention("staff"),
        ),
    ),
    "show the retention of a collection without any": Row(
        "get_retention", staff, lambda door: door.get_retention("staff")
    ),
    "list erasures": Row(
        "list_erasures",
        crowd,
        lambda door: then(
            door.erase("staff", SubjectKind.USER, "ann"), door.list_erasures("staff")
        ),
    ),
    "list the newest erasure": Row(
        "list_erasures",
        crowd,
        lambda door: then(
            door.erase("staff", SubjectKind.USER, "ann"),
            door.erase("staff", SubjectKind.USER, "cyd"),
            len(door.list_erasures("staff", limit=1)),
        ),
    ),
    "list too many erasures": Row(
        "list_erasures", staff, lambda door: door.list_erasures("staff", limit=301)
    ),
    "show an erasure": Row(
        "get_erasure",
        crowd,
        lambda door: door.get_erasure(
            "staff", door.erase("staff", SubjectKind.USER, "ann").erasure_id
        ),
    ),
    "show an unknown erasure": Row(
        "get_erasure",
        staff,
        lambda door: door.get_erasure("staff", "20260131T120000Z-00000000"),
    ),
    "create a user": Row(
        "create_user",
        staff,
        lambda door: then(door.create_user("staff", "bob"), users_of(door)),
    ),
    "create a user that exists": Row(
        "create_user", staff, lambda door: door.create_user("staff", "ann")
    ),
    "create a user of an invalid name": Row(
        "create_user", staff, lambda door: door.create_user("staff", "a b")
    ),
    "create a user in an unknown collection": Row(
        "create_user", nothing, lambda door: door.create_user("staff", "ann")
    ),
    "repeat a request": Row(
        "answer_once",
        staff,
        lambda door: then(
            door.create_user_once("staff", "bob", "token"),
            door.create_user_once("staff", "bob", "token"),
            users_of(door),
        ),
    ),
    "use a token for another request": Row(
        "answer_once",
        staff,
        lambda door: then(
            door.create_user_once("staff", "bob", "token"),
            door.create_user_once("staff", "cyd", "token"),
        ),
    ),
    "create a user with a name": Row(
        "create_user",
        staff,
        lambda door: then(door.create_named_user("staff", "wei", "张伟"), names_of(door)),
    ),
    "create a user by a name alone": Row(
        "create_user",
        staff,
        lambda door: then(door.create_named_user("staff", None, "张伟"), names_of(door)),
    ),
    "create a user with the name of another": Row(
        "create_user", named, lambda door: door.create_named_user("staff", "wei", "Ann Müller")
    ),
    "create a user with a name of two lines": Row(
        "create_user", staff, lambda door: door.create_named_user("staff", "wei", "Wei\nZhang")
    ),
    "rename a user": Row(
        "rename_user",
        named,
        lambda door: then(door.rename_user("staff", "ann", "Анна"), names_of(door)),
    ),
    "remove a name": Row(
        "rename_user",
        named,
        lambda door: then(door.rename_user("staff", "ann", None), names_of(door)),
    ),
    "rename to the name of another": Row(
        "rename_user", named, lambda door: door.rename_user("staff", "bob", "Ann Müller")
    ),
    "register a user": Row(
        "register_user",
        staff,
        lambda door: [
            door.register_user("staff", "ann", *CONSENT),
            door.register_user("staff", "ann", CONSENT[0], "2098-01-01"),
            last_action(door),
        ],
    ),
    "register an unknown user": Row(
        "register_user", staff, lambda door: door.register_user("staff", "wei", *CONSENT)
    ),
    **{
        f"register a user {how}": Row(
            "register_user",
            staff,
            lambda door, days=days: door.register_user("staff", "ann", *days),
        )
        for how, days in {
            "whose consent has expired": ("2020-01-01", "2021-01-01"),
            "before the consent": ("2098-01-01", "2099-01-01"),
            "until a day that does not exist": ("2020-01-01", "2099-02-30"),
        }.items()
    },
    "undo a registration": Row(
        "undo",
        registered,
        lambda door: [door.undo("staff", last_change(door)), registration_of(door)],
    ),
    "unregister a user": Row(
        "unregister_user",
        registered,
        lambda door: then(door.unregister_user("staff", "ann"), last_action(door)),
    ),
    "unregister a user who is not registered": Row(
        "unregister_user", staff, lambda door: door.unregister_user("staff", "ann")
    ),
    "page through events": Row(
        "list_events",
        matched,
        lambda door: pages(lambda limit, token: door.page_of_events("staff", limit, token), 1),
    ),
    "a page of too many events": Row(
        "list_events", staff, lambda door: door.page_of_events("staff", 501, None)
    ),
    "retry events": Row(
        "retry_events",
        matched,
        lambda door: then(door.retry_events("staff"), due_events(door)),
    ),
    "retry the events of an unknown collection": Row(
        "retry_events", nothing, lambda door: door.retry_events("staff")
    ),
    "rename an unknown user": Row(
        "rename_user", staff, lambda door: door.rename_user("staff", "wei", "张伟")
    ),
    "merge users": Row(
        "merge_users",
        crowd,
        lambda door: [door.merge_users("staff", "ann", "bob"), users_of(door)],
    ),
    "merge a user with itself": Row(
        "merge_users", crowd, lambda door: door.merge_users("staff", "ann", "ann")
    ),
    "merge an unknown user": Row(
        "merge_users", crowd, lambda door: door.merge_users("staff", "ann", "wei")
    ),
    "split a user": Row(
        "split_user",
        merged,
        lambda door: [
            door.split_user("staff", "ann", [bob(door)], "bea"),
            door.describe_user("staff", "ann"),
        ],
    ),
    "split off all faces": Row(
        "split_user", crowd, lambda door: door.split_user("staff", "ann", [ann(door)], "bea")
    ),
    "split off a face of another": Row(
        "split_user", crowd, lambda door: door.split_user("staff", "ann", [bob(door)], "bea")
    ),
    "split off an unknown face": Row(
        "split_user", crowd, lambda door: door.split_user("staff", "ann", [UNKNOWN_FACE], "bea")
    ),
    "split into a user with the id of a face": Row(
        "split_user", merged, lambda door: door.split_user("staff", "ann", [ann(door)], bob(door))
    ),
    "split into a user with faces": Row(
        "split_user", merged, lambda door: door.split_user("staff", "ann", [bob(door)], "ann")
    ),
    "describe a user": Row("describe_user", staff, lambda door: door.describe_user("staff", "ann")),
    "describe an unknown user": Row(
        "describe_user", staff, lambda door: door.describe_user("staff", "bob")
    ),
    "find a user": Row("find", alike, lambda door: door.find("staff", user_id="ann")),
    "find an unknown user": Row("find", staff, lambda door: door.find("staff", user_id="zoe")),
    "find the doubtful faces of a user": Row(
        "find", rivals, lambda door: door.find("staff", user_id="ann", doubtful=True)
    ),
    "find the face of a photo": Row("find", alike, lambda door: door.find("staff", ANN)),
    "find every face of a photo": Row("find", many, lambda door: door.find("staff", ANN)),
    "find the second face of a photo": Row(
        "find", staff, lambda door: door.find("staff", PAIR, face_number=2)
    ),
    "find a face that a photo does not have": Row(
        "find", staff, lambda door: door.find("staff", PAIR, face_number=3)
    ),
    "find a user by the number of a face": Row(
        "find", staff, lambda door: door.find("staff", user_id="ann", face_number=1)
    ),
    "find the doubtful faces of a photo": Row(
        "find", alike, lambda door: door.find("staff", NEAR, doubtful=True, doubtful_below=0.99)
    ),
    "find nobody": Row("find", staff, lambda door: door.find("staff", NOBODY)),
    "find a stranger": Row("find", staff, lambda door: door.find("staff", STRANGER)),
    "find in an unknown collection": Row("find", nothing, lambda door: door.find("staff", ANN)),
    "list the users of a name": Row(
        "list_users", named, lambda door: door.users_named("staff", "müll")
    ),
    "list users": Row("list_users", crowd, lambda door: door.page_of_users("staff", 500, None)),
    "page through users": Row(
        "list_users",
        crowd,
        lambda door: pages(lambda limit, token: door.page_of_users("staff", limit, token), 2),
    ),
    "a page of too many users": Row(
        "list_users", staff, lambda door: door.page_of_users("staff", 501, None)
    ),
    "a token of another listing": Row("list_users", staff, with_token_of_another_listing),
    "delete a user": Row(
        "delete_user",
        staff,
        lambda door: then(
            door.delete_user("staff", "ann"), users_of(door), door.list_faces("staff")
        ),
    ),
    "delete an unknown user": Row(
        "delete_user", staff, lambda door: door.delete_user("staff", "bob")
    ),
    "associate a face": Row(
        "associate_faces", alike, lambda door: door.associate_faces("staff", "ann", [ann2(door)])
    ),
    "associate a face again": Row(
        "associate_faces", staff, lambda door: door.associate_faces("staff", "ann", [ann(door)])
    ),
    "associate another person's face": Row(
        "associate_faces", staff, lambda door: door.associate_faces("staff", "ann", [bob(door)])
    ),
    "associate it nevertheless": Row(
        "associate_faces",
        staff,
        lambda door: door.associate_faces("staff", "ann", [bob(door)], min_similarity=0.0),
    ),
    "associate an unknown face": Row(
        "associate_faces", staff, lambda door: door.associate_faces("staff", "ann", [UNKNOWN_FACE])
    ),
    "associate a face of another user": Row(
        "associate_faces", crowd, lambda door: door.associate_faces("staff", "bob", [ann(door)])
    ),
    "associate a face with an unknown user": Row(
        "associate_faces", staff, lambda door: door.associate_faces("staff", "bob", [bob(door)])
    ),
    "disassociate a face": Row(
        "disassociate_faces",
        staff,
        lambda door: door.disassociate_faces("staff", "ann", [ann(door)]),
    ),
    "disassociate an unknown face": Row(
        "disassociate_faces",
        staff,
        lambda door: door.disassociate_faces("staff", "ann", [UNKNOWN_FACE]),
    ),
    "disassociate a face of another user": Row(
        "disassociate_faces",
        crowd,
        lambda door: door.disassociate_faces("staff", "bob", [ann(door)]),
    ),
    "disassociate a face from an unknown user": Row(
        "disassociate_faces",
        staff,
        lambda door: door.disassociate_faces("staff", "bob", [ann(door)]),
    ),
    "search users by a face": Row(
        "search_users_by_face", alike, lambda door: door.search_users_by_face("staff", ann2(door))
    ),
    "search users by an unknown face": Row(
        "search_users_by_face",
        staff,
        lambda door: door.search_users_by_face("staff", UNKNOWN_FACE),
    ),
    "search users by a user": Row(
        "search_users_by_user",
        alike,
        lambda door: door.search_users_by_user("staff", "ann", threshold=0.0),
    ),
    "search users by an unknown user": Row(
        "search_users_by_user", staff, lambda door: door.search_users_by_user("staff", "bob")
    ),
    "search users by a photo": Row(
        "search_users_by_photo", staff, lambda door: door.search_users_by_photo("staff", ANN)
    ),
    "search users by a photo of a stranger": Row(
        "search_users_by_photo", staff, lambda door: door.search_users_by_photo("staff", STRANGER)
    ),
    "search users by a blurred photo": Row(
        "search_users_by_photo", staff, lambda door: door.search_users_by_photo("staff", BLURRED)
    ),
    "search users by a photo without a face": Row(
        "search_users_by_photo", staff, lambda door: door.search_users_by_photo("staff", NOBODY)
    ),
    "search users by no photo": Row(
        "search_users_by_photo", staff, lambda door: door.search_users_by_photo("staff", NO_PHOTO)
    ),
}
"""What is compared at every door, by name."""

NO_OPERATIONS = {
    "all_collections": "walks through the pages of list_collections",
    "begin_migration": "is the first step of the workflow that migrates; others begin by preparing",
    "check_clustering": "is the first half of cluster_faces, before a job of a stack begins",
    "close": "ends the use of the Python object",
    "deleted_imports": "is for the operator, who moves from another service: `facerec import`",
    "defaults": "are settings of the Python object",
    "display_names": "completes the answers of other operations with names",
    "enrol_people": "takes a function; `facerec people enrol` and REST have rules for folders",
    "erased_people": "is for the operator, who moves from another service: `facerec import`",
    "estimates_attributes": "is a setting of the Python object",
    "expire": "is called by a schedule, and by `facerec collections expire` on this machine",
    "export_collection": "is for the operator: `facerec collections export`",
    "import_collection": "is for the operator: `facerec collections import`",
    "list_expired": "is the first half of expire",
    "find_deletable": "is the first half of delete_collection",
    "import_embeddings": "is for the operator, who moves from a program: `facerec import`",
    "import_faces": "is for the operator, who moves from another service: `facerec import`",
    "is_corrected": "checks whom a command names in a correction to lift",
    "is_name_of_face": "checks whom a command names in a correction",
    "model_version": "is in the answers of other operations",
    "prepare_range": "is a step of the workflow that migrates",
    "requested_by": "names the caller of other operations; a server knows it from the request",
    "resolve_user": "finds whom a command names; a list of people by name serves programs",
    "person_being_erased": "is a part of erase and of delete_user",
    "restore_if_lost": "is the first half of erase, export and delete_collection",
    "resume_erasure": "completes what another process began; servers and workflows call it",
    "resume_erasures": "completes what other processes began; servers and workflows call it",
    "resume_migrations": "completes what other processes began; a schedule calls it",
    "sample_faces": "chooses what `facerec calibrate` measures",
    "select": "is the first half of erase",
    "sweep": "is called by a schedule, and by `facerec erasures sweep`",
}
"""Public names of ``Gallery`` without a row, and the reasons."""

TAGS = "tags serve the permissions and bills of AWS, so that only its protocol has them"
STEPS = "`facerec collections migrate` does all steps"
TOKENS = "repeating the request does no harm there"
OWN = "Rekognition has no such operation"

LACKING = {
    ("command line", "get_tags"): TAGS,
    ("command line", "set_tags"): TAGS,
    ("command line", "remove_tags"): TAGS,
    ("command line", "answer_once"): TOKENS,
    ("command line", "switch_version"): STEPS,
    ("command line", "cancel_migration"): STEPS,
    ("command line", "index"): "indexes by jobs: see test_a_job_indexes_the_faces below",
    ("rest", "get_tags"): TAGS,
    ("rest", "set_tags"): TAGS,
    ("rest", "remove_tags"): TAGS,
    ("rest", "answer_once"): TOKENS,
    ("rekognition", "refresh_stats"): OWN,
    ("rekognition", "migration_status"): OWN,
    ("rekognition", "migrate"): OWN,
    ("rekognition", "roll_back_migration"): OWN,
    ("rekognition", "prepare_migration"): OWN,
    ("rekognition", "switch_version"): OWN,
    ("rekognition", "finish_migration"): OWN,
    ("rekognition", "cancel_migration"): OWN,
    ("rekognition", "cluster_faces"): OWN,
    ("rekognition", "list_clusters"): OWN,
    ("rekognition", "describe_cluster"): OWN,
    ("rekognition", "name_cluster"): OWN,
    ("rekognition", "ignore_cluster"): OWN,
    ("rekognition", "not_same_cluster"): OWN,
    ("rekognition", "not_a_face"): OWN,
    ("rekognition", "find"): OWN,
    ("rekognition", "rename_user"): OWN,
    ("rekognition", "merge_users"): OWN,
    ("rekognition", "list_events"): OWN,
    ("rekognition", "register_user"): OWN,
    ("rekognition", "retry_events"): OWN,
    ("command line", "retry_events"): "delivers them itself: `facerec people events --retry`",
    ("rekognition", "unregister_user"): OWN,
    ("rekognition", "split_user"): OWN,
    ("rekognition", "describe_user"): OWN,
    ("rekognition", "erase"): OWN,
    ("rekognition", "export"): OWN,
    ("rekognition", "get_erasure"): OWN,
    ("rekognition", "lift_correction"): OWN,
    ("rekognition", "list_history"): OWN,
    ("rekognition", "undo"): OWN,
    ("rekognition", "list_corrections"): OWN,
    ("rekognition", "list_erasures"): OWN,
    ("rekognition", "not_same"): OWN,
    ("rekognition", "set_threshold"): OWN,
    ("rekognition", "thumbnail"): OWN,
}
"""Operations that a door does not offer, and the reasons."""

NAMELESS = "its users have no display names"
NAMED = ("with a name", "by a name alone", "with the name of another", "with a name of two lines")

NOBODYS = "takes a name too, which nobody has"

MIGRATED = (
    "migration that is prepared",
    "migrate",
    "migrate a second time",
    "migrate back",
    "migrate a face that cannot be described",
    "migrate and delete what cannot be described",
    "roll a migration back",
    "roll a migration back before the switch",
    "look for the photos of a migration",
    "switch the version",
    "switch the version again",
    "cancel a migration after the switch",
    "finish a migration",
    "finish a migration before the switch",
    "cancel a migration",
)
ONE_FACE = "deletes one face with each request"

LACKING_ROWS = {
    ("rest", "delete some faces"): ONE_FACE,
    ("rest", "delete many faces"): ONE_FACE,
    ("rekognition", "delete many faces"): "takes at most 4,096 faces, as Rekognition does",
    ("command line", "erase an empty USER"): NOBODYS,
    ("command line", "export an empty USER"): NOBODYS,
    ("rekognition", "detect with an unknown detector"): "has no choice of detectors",
    ("rest", "migrate a second time"): "the step that is repeated is the switch",
    ("rest", "migrate back"): "prepares to cancel the migration",
    **{("rest on lambda", name): "cannot migrate" for name in MIGRATED},
    ("rekognition", "list the users of a name"): NAMELESS,
    ("rekognition", "search users by a photo without a face"): "finds nobody, without an error",
    **{("rekognition", f"create a user {how}"): NAMELESS for how in NAMED},
    **{("rekognition", name): "has no target rates" for name in ROWS if "target rate" in name},
}
"""Rows of other operations that a door cannot answer, and the reasons."""

CASES = [
    pytest.param(
        *(door, name),
        id=f"{door}: {name}",
        # A function translates as the server does: a sample shows that it is asked alike.
        marks=pytest.mark.long if door.endswith(" on lambda") and number % 8 else [],
    )
    for door in DOORS[1:]
    for number, (name, row) in enumerate(ROWS.items())
    if (door.removesuffix(" on lambda"), row.method) not in LACKING
    and (door.removesuffix(" on lambda"), name) not in LACKING_ROWS
    and (door, name) not in LACKING_ROWS
]


def test_every_operation_of_a_gallery_is_compared_at_every_door() -> None:
    public = {name for name in dir(Gallery) if not name.startswith("_")}
    assert {row.method for row in ROWS.values()} == public - NO_OPERATIONS.keys()
    assert public > NO_OPERATIONS.keys()


OTHER_NAMES = {
    "answer_once": "create_user_once",
    "list_clusters": "page_of_clusters",
    "list_events": "page_of_events",
    "list_corrections": "page_of_corrections",
    "list_history": "page_of_history",
}
"""Methods of doors that have another name than the method of ``Gallery``."""


def test_what_a_door_lacks_is_still_lacking(open_door: Callable[[str], Door]) -> None:
    doors = {name: open_door(name) for name in {name for name, _ in LACKING}}
    for name, method in LACKING:
        door = doors[name]
        own = OTHER_NAMES.get(method, method)
        assert getattr(type(door), own) is getattr(Door, own), (name, method)


EXPECTED: dict[str, object] = {}
"""What the Python API answers, by row; ids follow from the photos."""


def answer_at(door: Door, row: Row) -> object:
    """Return what a door answers, or its error."""
    row.prepare(door)
    try:
        return row.run(door)
    except DoorError as error:
        return error


@pytest.mark.parametrize(("name", "operation"), CASES)
def test_a_door_answers_as_the_python_api(
    open_door: Callable[[str], Door], name: str, operation: str
) -> None:
    row = ROWS[operation]
    if operation not in EXPECTED:
        EXPECTED[operation] = answer_at(open_door("python"), row)
    door = open_door(name)
    expected, answer = EXPECTED[operation], answer_at(door, row)
    if isinstance(expected, DoorError):
        assert isinstance(answer, DoorError), answer
        known = door.errors[expected.raised]
        assert answer.raised in (known if isinstance(known, set) else {known})
        # advice about commands belongs to the command line
        assert name == "command line" or "facerec " not in answer.text
    else:
        assert answer == expected


CROWD = fake_photo(
    *(
        fake_face(f"p{n}", left=0.08 * (n % 12), top=0.3 * (n // 12), width=0.06, height=0.1)
        for n in range(24)
    )
)


@pytest.mark.parametrize("name", [door for door in DOORS[1:] if door != "command line"])
@pytest.mark.parametrize("quality_filter", [None, "NONE", "HIGH"])
@pytest.mark.parametrize(
    "photo", [ANN, PAIR, NOBODY, DOUBTFUL, BLURRED, CROWD], ids=lambda photo: len(photo)
)
def test_a_photo_is_indexed_with_the_same_faces_at_every_door(
    open_door: Callable[[str], Door], name: str, photo: bytes, quality_filter: str | None
) -> None:
    answers = []
    for door in (open_door("python"), open_door(name)):
        door.gallery.create_collection("staff")
        indexed = door.index("staff", photo, quality_filter)
        listed = [face.record.face_id for face in door.gallery.list_faces("staff").faces]
        assert listed == sorted(indexed)
        answers.append(indexed)
    assert answers[0] == answers[1]


@pytest.mark.parametrize("quality_filter", [None, "NONE", "HIGH"])
@pytest.mark.parametrize(
    "photo", [PAIR, NOBODY, DOUBTFUL, BLURRED, CROWD], ids=lambda photo: len(photo)
)
def test_a_job_indexes_the_faces_that_the_other_doors_index(
    open_door: Callable[[str], Door], tmp_path: Path, photo: bytes, quality_filter: str | None
) -> None:
    door = open_door("python")
    door.gallery.create_collection("staff")
    (tmp_path / "photo.jpg").write_bytes(photo)
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(json.dumps({"image": "photo.jpg", "external_image_id": "photo"}) + "\n")
    options = {} if quality_filter is None else {"quality_filter": quality_filter}
    job = LocalJob(tmp_path / "job", manifest, options=options)
    job.run()
    assert job.face_ids() == sorted(door.index("staff", photo, quality_filter))
