"""Each operation of a gallery through every door, compared with the Python API's answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from facerec.core.records import Collection
from facerec.testing.engine import fake_face, fake_photo
from tests.functional.doors.conftest import DOORS
from tests.support.doors import Door, DoorError
from tests.support.jobs import LocalJob

ANN = fake_photo(fake_face("ann"))
PAIR = fake_photo(fake_face("ann", width=0.3), fake_face("bob", left=0.6, away=0.1))
NOBODY = fake_photo()
DOUBTFUL = fake_photo(fake_face("ann", confidence=0.7), fake_face("bob", left=0.5, confidence=0.3))
BLURRED = fake_photo(fake_face("ann", sharp=False))
NO_PHOTO = b"no photo"
UNKNOWN_FACE = "00000000-0000-8000-8000-000000000000"


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


def many(door: Door) -> None:
    """A collection with 120 faces of one person."""
    door.gallery.create_collection("staff")
    for shot in range(120):
        index(door, "ann", shot)


def nothing(door: Door) -> None:
    """No collection at all."""


def other_model(door: Door) -> None:
    """A collection of another model version."""
    door.gallery._records.create_collection(Collection("staff", "other-1", 1.0))


def found(
    door: Door, photo: bytes, threshold: float | None = None
) -> list[tuple[str, float, str | None]]:
    return [
        (match.face_id, round(match.similarity, 5), match.user_id)
        for match in door.search("staff", photo, threshold=threshold)
    ]


def rounded(ratios: list[float]) -> list[float]:
    return [round(ratio, 5) for ratio in ratios]


def ann(door: Door) -> str:
    return next(
        face.record.face_id for face in door.gallery.list_faces("staff").faces if face.user_id
    )


def bob(door: Door) -> str:
    return next(
        face.record.face_id for face in door.gallery.list_faces("staff").faces if not face.user_id
    )


def staff_with_threshold(door: Door) -> None:
    """The collection ``staff`` with a threshold that the search for a pair does not reach."""
    staff(door)
    door.gallery.set_threshold("staff", 0.9999)


def staff_with_correction(door: Door) -> None:
    """The collection ``staff`` with a face that resembles the user ``ann`` and is another's."""
    staff(door)
    (twin,) = door.gallery.index("staff", ANN, external_image_id="twin").faces
    door.gallery.not_same("staff", twin.record.face_id, "ann")


OPERATIONS: dict[str, tuple[Callable[[Door], None], Callable[[Door], object]]] = {
    "create a collection": (nothing, lambda door: door.create_collection("staff")),
    "create one that exists": (staff, lambda door: door.create_collection("staff")),
    "list collections": (staff, lambda door: door.list_collections()),
    "describe a collection": (staff, lambda door: door.describe_collection("staff")),
    "describe an unknown one": (nothing, lambda door: door.describe_collection("staff")),
    "delete a collection": (
        staff,
        lambda door: (door.delete_collection("staff"), list(door.gallery.all_collections()))[1],
    ),
    "delete an unknown collection": (nothing, lambda door: door.delete_collection("staff")),
    "list faces": (staff, lambda door: door.list_faces("staff")),
    "list faces of an unknown collection": (nothing, lambda door: door.list_faces("staff")),
    "delete a face": (
        staff,
        lambda door: (door.delete_face("staff", bob(door)), door.list_faces("staff"))[1],
    ),
    "delete a face of a user": (staff, lambda door: door.delete_face("staff", ann(door))),
    "delete an unknown face": (staff, lambda door: door.delete_face("staff", UNKNOWN_FACE)),
    "search": (staff, lambda door: found(door, PAIR)),
    "search with any similarity": (staff, lambda door: found(door, ANN, threshold=0.0)),
    "search with high similarity": (staff, lambda door: found(door, ANN, threshold=0.9999)),
    "search with the threshold of the collection": (
        staff_with_threshold,
        lambda door: found(door, fake_photo(fake_face("ann", away=0.3))),
    ),
    "search with a correction": (staff_with_correction, lambda door: found(door, PAIR)),
    "search among many": (many, lambda door: len(door.search("staff", ANN))),
    "search for a doubtful face": (staff, lambda door: found(door, DOUBTFUL)),
    "search for a blurred face": (staff, lambda door: found(door, BLURRED)),
    "search without a face": (staff, lambda door: found(door, NOBODY)),
    "search with no photo": (staff, lambda door: found(door, NO_PHOTO)),
    "search an unknown collection": (nothing, lambda door: found(door, ANN)),
    "search a collection of another model": (other_model, lambda door: found(door, ANN)),
    "compare": (nothing, lambda door: rounded(door.compare(ANN, PAIR))),
    "compare doubtful faces": (
        nothing,
        lambda door: rounded(door.compare(DOUBTFUL, DOUBTFUL)),
    ),
    "compare without a face": (nothing, lambda door: door.compare(ANN, NOBODY)),
    "detect": (nothing, lambda door: rounded(door.detect(PAIR))),
    "detect doubtful faces": (nothing, lambda door: rounded(door.detect(DOUBTFUL))),
    "detect in no photo": (nothing, lambda door: door.detect(NO_PHOTO)),
}
"""What is there before, and the operation, by name."""


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("name", DOORS[1:])
def test_a_door_answers_as_the_python_api(
    open_door: Callable[[str], Door], name: str, operation: str
) -> None:
    prepare, run = OPERATIONS[operation]
    answers = []
    for door in (open_door("python"), open_door(name)):
        prepare(door)
        try:
            answers.append(run(door))
        except DoorError as error:
            answers.append(error)
    expected, answer = answers
    if isinstance(expected, DoorError):
        assert isinstance(answer, DoorError)
        assert answer.raised == door.errors[expected.raised]
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


@pytest.mark.parametrize("name", ["rest", "rekognition", "lambda"])
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
