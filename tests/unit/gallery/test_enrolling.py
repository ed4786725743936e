"""People enrolled from the names of their photos: one face of each photo, never a bystander."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.core.erasures import SubjectKind
from facerec.core.records import Correction
from facerec.core.registrations import Registration
from facerec.core.schemas import violation
from facerec.errors import InvalidInputError
from facerec.gallery.gallery import Gallery
from facerec.gallery.operations.retention import SECONDS_OF_DAY
from facerec.gallery.people.enrolling import Enrolment, EnrolmentProblem
from facerec.gallery.people.enrolment_rules import name_by_folder, name_by_pattern
from facerec.gallery.presenting.enrolment import enrolment_json
from facerec.testing.engine import FakeFace, fake_face, fake_photo
from tests.support.gallery import Collaborators
from tests.support.registrations import YEAR


class Folder:
    """A folder of photos that are indexed, each under the name of its folder."""

    def __init__(self, root: Path, gallery: Gallery) -> None:
        self.root, self.gallery = root / "members", gallery

    def photo(self, path: str, *faces: FakeFace) -> list[str]:
        """Index a photo; return the ids of its faces, in order."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(fake_photo(*faces, note=path))
        indexed = self.gallery.index("staff", file).faces
        order = sorted(indexed, key=lambda face: face.record.box.left)
        return [face.record.face_id for face in order]

    def erase(self, *face_ids: str) -> None:
        for face_id in face_ids:
            self.gallery.erase("staff", SubjectKind.FACE, face_id)

    def enrol(self) -> Enrolment:
        result = self.gallery.enrol_people("staff", name_by_folder(f"{self.root}/"))
        assert violation("enrolment", enrolment_json(result)) is None
        return result

    def people(self) -> dict[str, set[str]]:
        users = self.gallery.list_users("staff").users
        return {user.name or user.user_id: set(user.face_ids) for user in users}


@pytest.fixture
def folder(tmp_path: Path, gallery: Gallery) -> Folder:
    return Folder(tmp_path, gallery)


def test_a_folder_becomes_a_person_of_its_name_in_any_script(folder: Folder) -> None:
    first = folder.photo("张伟/1.jpg", fake_face("wei"))
    second = folder.photo("李娜/1.jpg", fake_face("na"))
    folder.photo("beside.jpg", fake_face("zoe"))
    result = folder.enrol()
    assert (result.people, result.created, result.associated) == (2, 2, 2)
    assert folder.people() == {"张伟": set(first), "李娜": set(second)}
    again = folder.enrol()
    assert (again.created, again.associated, again.unchanged) == (0, 0, 2)


def test_folders_whose_names_differ_in_case_stay_two_people(folder: Folder) -> None:
    names = {"1": "Ann", "2": "ann"}
    first = folder.photo("1/1.jpg", fake_face("ann"))
    second = folder.photo("2/1.jpg", fake_face("zoe"))
    result = folder.gallery.enrol_people("staff", lambda uri: names[Path(uri).parent.name])
    assert (result.people, result.created) == (2, 2)
    assert folder.people() == {"Ann": set(first), "ann": set(second)}


def test_a_bystander_does_not_get_the_name_even_if_larger(folder: Folder) -> None:
    (alone,) = folder.photo("Ann/1.jpg", fake_face("ann", shot=1, away=0.1))
    (bystander, ann) = folder.photo(
        "Ann/2.jpg", fake_face("bob", width=0.4), fake_face("ann", left=0.6, away=0.1)
    )
    folder.enrol()
    assert folder.people() == {"Ann": {alone, ann}}
    assert bystander not in folder.people()["Ann"]


def test_of_a_single_photo_the_largest_face_gets_the_name_until_others_disagree(
    folder: Folder,
) -> None:
    (bystander, ann) = folder.photo(
        "Ann/1.jpg", fake_face("bob", width=0.4), fake_face("ann", left=0.6, away=0.1)
    )
    folder.enrol()
    assert folder.people() == {"Ann": {bystander}}
    others = [folder.photo(f"Ann/{n}.jpg", fake_face("ann", shot=n, away=0.1))[0] for n in (2, 3)]
    folder.enrol()
    assert folder.people() == {"Ann": {ann, *others}}


def test_a_photo_of_somebody_else_is_reported_and_gets_no_name(folder: Folder) -> None:
    faces = [folder.photo(f"Ann/{n}.jpg", fake_face("ann", shot=n, away=0.1))[0] for n in (1, 2)]
    folder.photo("Ann/3.jpg", fake_face("bob"))
    (unnamed,) = folder.enrol().unnamed
    assert unnamed.source.endswith("Ann/3.jpg")
    assert unnamed.problem is EnrolmentProblem.UNLIKE
    assert folder.people() == {"Ann": set(faces)}


def test_a_photo_under_a_corrected_name_replaces_the_wrong_one(
    folder: Folder, gallery: Gallery
) -> None:
    names = {"1.jpg": "Ana", "2.jpg": "Ana", "3.jpg": "Bob"}
    for path, person in (("1.jpg", "ann"), ("2.jpg", "ann"), ("3.jpg", "bob")):
        folder.photo(path, fake_face(person, shot=int(path[0]), away=0.1))
    source = f"{folder.root}/"
    gallery.enrol_people("staff", lambda photo: names.get(photo.removeprefix(source)))
    names |= {"1.jpg": "Anna", "2.jpg": "Anna"}
    result = gallery.enrol_people("staff", lambda photo: names.get(photo.removeprefix(source)))
    corrected = {Path(each.source).name: (each.earlier, each.user_id) for each in result.corrected}
    assert corrected == dict.fromkeys(("1.jpg", "2.jpg"), ("Ana", "Anna"))
    assert set(folder.people()) == {"Anna", "Bob"}
    assert result.deleted == ("Ana",)


def test_photos_beside_the_folders_are_counted_and_named(folder: Folder) -> None:
    folder.photo("Ann/1.jpg", fake_face("ann"))
    for name in "abcd":
        folder.photo(f"{name}.jpg", fake_face(name), fake_face(f"{name}2", left=0.6))
    enrolled = folder.enrol()
    assert (enrolled.people, enrolled.nameless, enrolled.unnamed) == (1, 4, ())
    assert len(enrolled.nameless_sources) == 3
    assert all(Path(source).parent == folder.root for source in enrolled.nameless_sources)


@pytest.fixture
def registered(folder: Folder, gallery: Gallery, today: None) -> dict[str, str]:
    """Enrol a registered person with two photos; return the names of all photos by path."""
    del today
    names = dict.fromkeys(("1.jpg", "2.jpg"), "Ana")
    for path in names:
        folder.photo(path, fake_face("ann", shot=int(path[0]), away=0.1))
    enrol(folder, names)
    gallery.register_user("staff", "Ana", **YEAR)
    return names


def enrol(folder: Folder, names: dict[str, str]) -> Enrolment:
    return folder.gallery.enrol_people("staff", lambda photo: names.get(Path(photo).name))


def test_a_registration_goes_along_when_all_photos_of_a_person_are_renamed(
    folder: Folder, gallery: Gallery, registered: dict[str, str]
) -> None:
    folder.photo("3.jpg", fake_face("ann", shot=3, away=0.1))
    result = enrol(folder, dict.fromkeys((*registered, "3.jpg"), "Anna"))
    assert [(each.earlier, each.user_id) for each in result.registrations] == [("Ana", "Anna")]
    assert gallery.describe_user("staff", "Anna").registration == Registration(**YEAR)
    assert set(folder.people()) == {"Anna"}
    gallery.undo("staff", gallery.list_history("staff", limit=1).entries[0].cause.entry_id)
    assert gallery.describe_user("staff", "Ana").registration == Registration(**YEAR)


def test_the_faces_of_two_people_or_of_somebody_known_take_no_registration_along(
    folder: Folder, gallery: Gallery, registered: dict[str, str]
) -> None:
    folder.photo("3.jpg", fake_face("ann", shot=3, away=0.1))
    enrol(folder, {**registered, "3.jpg": "Anna"})
    result = enrol(folder, dict.fromkeys((*registered, "3.jpg"), "Anna"))
    assert [(each.earlier, each.user_id) for each in result.registrations] == [("Ana", None)]
    assert gallery.describe_user("staff", "Anna").registration is None


def test_no_registration_goes_along_if_the_photos_get_several_names(
    folder: Folder, gallery: Gallery, registered: dict[str, str]
) -> None:
    assert set(registered) == {"1.jpg", "2.jpg"}
    result = enrol(folder, {"1.jpg": "Anna", "2.jpg": "Bob"})
    assert [(each.earlier, each.user_id) for each in result.registrations] == [("Ana", None)]
    assert set(folder.people()) == {"Anna", "Bob"}
    for name in ("Anna", "Bob"):
        assert gallery.describe_user("staff", name).registration is None


@pytest.mark.parametrize("name", ["Abe", "Zoe"])
def test_a_new_person_who_gets_the_faces_of_two_gets_no_registration(
    name: str, folder: Folder, gallery: Gallery, registered: dict[str, str]
) -> None:
    folder.photo("3.jpg", fake_face("ann", shot=3, away=0.1))
    enrol(folder, {"3.jpg": name})
    result = enrol(folder, dict.fromkeys((*registered, "3.jpg"), "Anna"))
    assert [(each.earlier, each.user_id) for each in result.registrations] == [("Ana", None)]
    assert set(folder.people()) == {"Anna"}
    assert gallery.describe_user("staff", "Anna").registration is None


def test_a_person_without_faces_keeps_a_registration_of_the_own(
    folder: Folder, gallery: Gallery, registered: dict[str, str]
) -> None:
    gallery.create_user("staff", name="Anna")
    own = {**YEAR, "expires": "2026-12-26"}
    gallery.register_user("staff", "Anna", **own)
    result = enrol(folder, dict.fromkeys(registered, "Anna"))
    assert [(each.earlier, each.user_id) for each in result.registrations] == [("Ana", None)]
    assert gallery.describe_user("staff", "Anna").registration == Registration(**own)


def test_who_keeps_photos_keeps_the_registration(
    folder: Folder, gallery: Gallery, registered: dict[str, str]
) -> None:
    result = enrol(folder, {**registered, "2.jpg": "Anna"})
    assert result.registrations == ()
    assert gallery.describe_user("staff", "Ana").registration == Registration(**YEAR)
    assert gallery.describe_user("staff", "Anna").registration is None


def test_every_copy_of_a_photo_gets_the_name(folder: Folder, gallery: Gallery) -> None:
    group = fake_photo(fake_face("bob", width=0.4), fake_face("ann", left=0.6, shot=1, away=0.1))
    expected = set()
    for name in ("1.jpg", "copy of 1.jpg"):
        photo = folder.root / "Ann" / name
        photo.parent.mkdir(parents=True, exist_ok=True)
        photo.write_bytes(group)
        indexed = gallery.index("staff", photo, external_image_id=f"{name[0]}:{len(name)}").faces
        expected |= {face.record.face_id for face in indexed if face.record.box.left == 0.6}
    expected |= set(folder.photo("Ann/2.jpg", fake_face("ann", shot=2, away=0.1)))
    assert folder.enrol().associated == 3
    assert folder.people() == {"Ann": expected}
    assert folder.enrol().unchanged == 3


@pytest.mark.parametrize("by", [SubjectKind.USER, SubjectKind.FACE])
@pytest.mark.parametrize("width", [0.1, 0.4])
def test_a_bystander_never_gets_the_name_of_an_erased_face(
    folder: Folder, gallery: Gallery, collaborators: Collaborators, by: SubjectKind, width: float
) -> None:
    erased = by is SubjectKind.USER
    faces = []
    for shot in (1, 2):
        _, ann = folder.photo(
            f"Ann/{shot}.jpg",
            fake_face("bob", width=width, shot=shot, away=0.1),
            fake_face("ann", left=0.6, shot=shot, away=0.1),
        )
        faces.append(ann)
    faces += folder.photo("Ann/3.jpg", fake_face("ann", shot=3, away=0.1))
    folder.enrol()
    assert folder.people() == {"Ann": set(faces)}
    if by is SubjectKind.USER:
        gallery.erase("staff", by, "Ann")
    else:
        folder.erase(*faces)
    result = folder.enrol()
    assert folder.people().get("Ann", set()) == set()
    assert (result.created, result.associated) == (0, 0)
    problem = EnrolmentProblem.PERSON_ERASED if erased else EnrolmentProblem.FACE_DELETED
    assert [each.problem for each in result.unnamed] == [problem] * 2
    collaborators.clock.now += 1
    # a new photo of the person shows that the others are not
    (new,) = folder.photo("Ann/4.jpg", fake_face("ann", shot=4, away=0.1))
    result = folder.enrol()
    assert folder.people() == {"Ann": {new}}
    problem = EnrolmentProblem.PERSON_ERASED if erased else EnrolmentProblem.UNLIKE
    assert [each.problem for each in result.unnamed] == [problem] * 2


def test_a_photo_of_somebody_else_never_gives_an_erased_name_again(
    folder: Folder, gallery: Gallery, collaborators: Collaborators
) -> None:
    def index() -> list[str]:
        return [
            *folder.photo("Ann/1.jpg", fake_face("ann", shot=1, away=0.1)),
            *folder.photo("Ann/2.jpg", fake_face("ann", shot=2, away=0.1)),
            *folder.photo("Ann/3.jpg", fake_face("bob")),
        ]

    *ann, bob = index()
    folder.enrol()
    assert folder.people() == {"Ann": set(ann)}
    gallery.rename_user("staff", "Ann", "Ann Lee")
    gallery.erase("staff", SubjectKind.USER, "Ann")
    collaborators.clock.now += 1
    folder.photo("Ann/3.jpg", fake_face("bob"))
    result = folder.enrol()
    assert folder.people() == {}
    assert [each.problem for each in result.unnamed] == [EnrolmentProblem.PERSON_ERASED]
    # who is created on purpose keeps a face that is added on purpose
    gallery.create_user("staff", "Ann")
    gallery.associate_faces("staff", "Ann", [bob])
    assert folder.enrol().unnamed == ()
    assert folder.people() == {"Ann": {bob}}


def test_a_person_whose_faces_have_expired_gets_the_name_from_a_newer_photo(
    folder: Folder, gallery: Gallery, collaborators: Collaborators
) -> None:
    folder.photo("Ann/1.jpg", fake_face("ann", shot=1, away=0.1))
    folder.enrol()
    gallery.set_retention("staff", 30)
    collaborators.clock.now += 20 * SECONDS_OF_DAY
    (newer,) = folder.photo("Ann/2.jpg", fake_face("ann", shot=2, away=0.1))
    collaborators.clock.now += 11 * SECONDS_OF_DAY
    receipt = gallery.expire("staff")
    assert receipt is not None
    assert (receipt.faces, receipt.users) == (1, 1)
    assert folder.enrol().unnamed == ()
    assert folder.people() == {"Ann": {newer}}


def test_a_person_keeps_the_name_when_a_bystander_is_erased(folder: Folder) -> None:
    bystander, ann = folder.photo(
        "Ann/1.jpg", fake_face("bob"), fake_face("ann", left=0.6, width=0.3, shot=1, away=0.1)
    )
    folder.enrol()
    folder.erase(bystander)
    assert folder.enrol().unchanged == 1
    bystander, again = folder.photo(
        "Ann/2.jpg", fake_face("bob"), fake_face("ann", left=0.6, width=0.3, shot=2, away=0.1)
    )
    folder.erase(bystander)
    assert folder.enrol().associated == 1
    assert folder.people() == {"Ann": {ann, again}}


def test_a_face_that_was_erased_and_indexed_again_gets_the_name(folder: Folder) -> None:
    faces = fake_face("bob"), fake_face("ann", left=0.6, width=0.3)
    _, ann = folder.photo("Ann/1.jpg", *faces)
    folder.enrol()
    folder.erase(ann)
    assert folder.photo("Ann/1.jpg", *faces)[1] == ann
    folder.enrol()
    assert folder.people() == {"Ann": {ann}}


def test_what_people_said_by_hand_is_kept(folder: Folder, gallery: Gallery) -> None:
    (by_hand,) = folder.photo("Ann/1.jpg", fake_face("ann", shot=1, away=0.1))
    (other,) = folder.photo("Ann/2.jpg", fake_face("ann", shot=2, away=0.1))
    (third,) = folder.photo("Ann/3.jpg", fake_face("ann", shot=3, away=0.1))
    gallery.create_user("staff", "e-1", name="Zoë")
    gallery.associate_faces("staff", "e-1", [by_hand])
    # Stated while there was a person of this name.
    gallery._records.add_corrections("staff", [Correction(other, "Ann")])
    problems = {Path(each.source).name: each.problem for each in folder.enrol().unnamed}
    assert problems == {
        "1.jpg": EnrolmentProblem.OTHER_PERSON,
        "2.jpg": EnrolmentProblem.NOT_SAME,
    }
    assert folder.people() == {"Zoë": {by_hand}, "Ann": {third}}
    gallery.rename_user("staff", "Ann", "Ann Müller")
    assert folder.enrol().created == 0
    assert folder.people() == {"Zoë": {by_hand}, "Ann Müller": {third}}


def test_names_that_cannot_be_kept_are_reported(folder: Folder, gallery: Gallery) -> None:
    folder.photo("1.jpg", fake_face("ann"))
    (unnamed,) = gallery.enrol_people("staff", lambda _: "a\nb").unnamed
    assert unnamed.problem is EnrolmentProblem.INVALID_NAME
    assert folder.people() == {}


def test_a_person_has_at_most_the_maximum_of_faces(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facerec.gallery.operations.enrolment.associations.MAX_FACES_OF_USER", 2)
    for n in range(4):
        folder.photo(f"Ann/{n}.jpg", fake_face("ann", shot=n, away=0.1))
    result = folder.enrol()
    assert [each.problem for each in result.unnamed] == [EnrolmentProblem.TOO_MANY_FACES] * 2
    assert len(folder.people()["Ann"]) == 2


@pytest.mark.parametrize(
    ("pattern", "path", "name"),
    [
        ("{person}_*.jpg", "Tom_Cruise_0001.JPG", "Tom_Cruise"),
        ("*/{person}/*", "club/张伟/1.jpg", "张伟"),
        ("{person}/*", "Ann Lee/2024/1.jpg", ""),
        ("{person}.jpg", "a.jpgx", ""),
        ("[{person}].jpg", "[a+b].jpg", "a+b"),
    ],
)
def test_a_pattern_names_a_photo(pattern: str, path: str, name: str | None) -> None:
    assert name_by_pattern("/members/", pattern)(f"/members/{path}") == name
    assert name_by_pattern("/members/", pattern)(f"/others/{path}") is None


@pytest.mark.parametrize("pattern", ["*.jpg", "{person}_{person}.jpg"])
def test_a_pattern_names_one_person(pattern: str) -> None:
    with pytest.raises(InvalidInputError, match="once"):
        name_by_pattern("/members/", pattern)
