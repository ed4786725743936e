"""No face loses its person, whatever another process does while a person is deleted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from facerec.core.erasures import SubjectKind
from facerec.core.times import day_of
from facerec.errors import ConflictError, FaceInUseError, StoreUnavailableError, UserNotFoundError
from facerec.gallery.erasing.erased_photos import find_erased_people
from facerec.gallery.gallery import Gallery
from facerec.gallery.people.enrolment_rules import name_by_folder
from facerec.testing.engine import fake_face, fake_photo
from tests.support.deployments import Deployment
from tests.support.interposed import KilledError

DAY = 86_400


@pytest.fixture
def gallery(deployment: Deployment) -> Gallery:
    gallery = deployment.gallery()
    gallery.create_collection("staff")
    return gallery


def index(gallery: Gallery, shot: int) -> str:
    """Index a photo of Ann, and return the id of its face."""
    (stored,) = gallery.index("staff", fake_photo(fake_face("ann", away=0.1, shot=shot))).faces
    return stored.record.face_id


def adding(gallery: Gallery, user_id: str, face_id: str) -> Callable[[], object]:
    """Return what associates a face with a person."""
    return lambda: gallery.associate_faces("staff", user_id, [face_id], min_similarity=0.0)


def four_faces_of_ann(gallery: Gallery) -> list[str]:
    """Create Ann with four faces, and return their ids."""
    face_ids = [index(gallery, shot) for shot in range(4)]
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", face_ids, min_similarity=0.0)
    return face_ids


def move(deployment: Deployment, face_ids: list[str]) -> None:
    """Move faces of Ann to Bea, like one of the transactions that 98 faces take on DynamoDB."""
    records = deployment.collaborators.records
    ann, bea = (records.get_user("staff", user_id) for user_id in ("ann", "bea"))
    records.move_faces("staff", face_ids, source=ann, target=bea)


def test_a_corrected_person_who_gets_another_face_meanwhile_stays(
    deployment: Deployment, gallery: Gallery, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong" / "bob" / "1.jpg"
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(fake_photo(fake_face("ann")))
    (stored,) = gallery.index("staff", wrong).faces
    gallery.enrol_people("staff", name_by_folder(f"{tmp_path}/wrong/"))
    other = index(gallery, 1)
    enrolling = deployment.gallery_with(
        "records", "delete_user", before=adding(gallery, "bob", other)
    )
    result = enrolling.enrol_people("staff", lambda _: "Ann")
    assert result.deleted == ()
    assert gallery.describe_user("staff", "bob").face_ids == (other,)
    assert gallery.describe_user("staff", "Ann").face_ids == (stored.record.face_id,)


def test_a_registered_person_who_gets_another_face_meanwhile_stays_the_only_one(
    deployment: Deployment, gallery: Gallery, tmp_path: Path
) -> None:
    photo = tmp_path / "1.jpg"
    photo.write_bytes(fake_photo(fake_face("ann")))
    gallery.index("staff", photo)
    gallery.enrol_people("staff", lambda _: "Ana")
    now = deployment.collaborators.clock.now
    gallery.register_user("staff", "Ana", consent=day_of(now), expires=day_of(now + DAY))
    enrolling = deployment.gallery_with(
        "records", "delete_user", before=adding(gallery, "Ana", index(gallery, 1))
    )
    result = enrolling.enrol_people(
        "staff", lambda address: "Anna" if address.endswith("/1.jpg") else None
    )
    assert (result.deleted, result.registrations) == ((), ())
    assert gallery.describe_user("staff", "Ana").registration is not None
    assert gallery.describe_user("staff", "Anna").registration is None


def test_no_interruption_loses_the_registration_of_a_person_whose_photos_are_renamed(
    deployment: Deployment, gallery: Gallery, tmp_path: Path
) -> None:
    photo = tmp_path / "1.jpg"
    photo.write_bytes(fake_photo(fake_face("ann")))
    gallery.index("staff", photo)
    gallery.enrol_people("staff", lambda _: "Ana")
    now = deployment.collaborators.clock.now
    days = {"consent": day_of(now), "expires": day_of(now + 365 * DAY)}
    registration = gallery.register_user("staff", "Ana", **days).registration
    assert registration is not None

    def kill() -> None:
        raise KilledError

    interrupted = deployment.gallery_with("records", "delete_user", before=kill)
    with pytest.raises(KilledError):
        interrupted.enrol_people("staff", lambda _: "Anna")
    gallery.enrol_people("staff", lambda _: "Anna")
    anna = gallery.describe_user("staff", "Anna")
    assert (len(anna.face_ids), anna.registration) == (1, registration)


def test_a_merge_moves_a_face_that_is_added_meanwhile(
    deployment: Deployment, gallery: Gallery
) -> None:
    face_ids = [index(gallery, shot) for shot in range(3)]
    for user_id, face_id in zip(("ann", "bob"), face_ids, strict=False):
        gallery.create_user("staff", user_id)
        adding(gallery, user_id, face_id)()
    merging = deployment.gallery_with(
        "records", "delete_user", before=adding(gallery, "bob", face_ids[2])
    )
    assert set(merging.merge_users("staff", "ann", "bob").face_ids) == set(face_ids)
    assert set(gallery.describe_user("staff", "ann").face_ids) == set(face_ids)
    with pytest.raises(UserNotFoundError):
        gallery.describe_user("staff", "bob")
    assert len(gallery.search_users_by_user("staff", "ann").matches) == 0


def test_an_undone_person_who_gets_another_face_meanwhile_stays(
    deployment: Deployment, gallery: Gallery
) -> None:
    gallery.create_user("staff", "ann", name="Ann")
    (entry,) = gallery.list_history("staff").entries
    face_id = index(gallery, 0)
    undoing = deployment.gallery_with(
        "records", "delete_user", before=adding(gallery, "ann", face_id)
    )
    undoing.undo("staff", entry.cause.entry_id)
    ann = gallery.describe_user("staff", "ann")
    assert (ann.name, ann.face_ids) == ("Ann", (face_id,))


def test_a_split_that_is_killed_between_its_faces_is_completed_by_the_next(
    deployment: Deployment, gallery: Gallery
) -> None:
    face_ids = four_faces_of_ann(gallery)

    def move_some() -> None:
        move(deployment, face_ids[:2])
        raise KilledError

    splitting = deployment.gallery_with("records", "move_faces", before=move_some)
    with pytest.raises(KilledError):
        splitting.split_user("staff", "ann", face_ids[:3], "bea")
    with pytest.raises(FaceInUseError):
        gallery.split_user("staff", "ann", face_ids[1:3], "bea")
    bea = gallery.split_user("staff", "ann", face_ids[:3], "bea")
    assert set(bea.face_ids) == set(face_ids[:3])
    assert gallery.describe_user("staff", "ann").face_ids == (face_ids[3],)
    with pytest.raises(FaceInUseError):
        gallery.split_user("staff", "ann", face_ids[:3], "bea")


def test_a_split_whose_later_faces_meet_a_change_moves_the_rest(
    deployment: Deployment, gallery: Gallery
) -> None:
    face_ids = four_faces_of_ann(gallery)

    splitting = deployment.gallery_with(
        "records", "move_faces", before=lambda: move(deployment, face_ids[:2])
    )
    bea = splitting.split_user("staff", "ann", face_ids[:3], "bea")
    assert set(bea.face_ids) == set(face_ids[:3])
    assert gallery.describe_user("staff", "ann").face_ids == (face_ids[3],)


def expiring(deployment: Deployment, gallery: Gallery) -> tuple[str, str]:
    """Register Ann with a face that has expired, and return it with a later face of nobody."""
    clock = deployment.collaborators.clock
    old = index(gallery, 0)
    gallery.create_user("staff", "ann", name="Ann")
    adding(gallery, "ann", old)()
    gallery.set_retention("staff", 30)
    clock.now += 31 * DAY
    gallery.rename_user("staff", "ann", "Ann Lee")
    today, later = day_of(clock.now), day_of(clock.now + 365 * DAY)
    gallery.register_user("staff", "ann", consent=today, expires=later)
    return old, index(gallery, 1)


def test_a_person_who_gets_a_face_while_all_others_expire_stays(
    deployment: Deployment, gallery: Gallery
) -> None:
    _, new = expiring(deployment, gallery)
    expiring_at_once = deployment.gallery_with(
        "records", "delete_user", before=adding(gallery, "ann", new)
    )
    receipt = expiring_at_once.expire("staff")
    assert receipt is not None
    assert (receipt.faces, receipt.users) == (1, 0)
    ann = gallery.describe_user("staff", "ann")
    assert (ann.name, ann.face_ids) == ("Ann Lee", (new,))
    assert ann.registration is not None
    assert [face.record.face_id for face in gallery.list_faces("staff").faces] == [new]
    # neither the history nor a tombstone says that the person was erased
    named = {step.name for each in gallery.list_history("staff").entries for step in each.steps}
    assert "Ann Lee" in named
    assert find_erased_people("staff", ["ann"], records=deployment.collaborators.records) == set()
    (match,) = gallery.search_users_by_face("staff", new).matches
    assert match.user.user_id == "ann"


def test_a_person_whose_faces_have_all_expired_leaves_nothing(
    deployment: Deployment, gallery: Gallery
) -> None:
    _, new = expiring(deployment, gallery)
    receipt = gallery.expire("staff")
    assert receipt is not None
    assert (receipt.faces, receipt.users, receipt.user_vectors) == (1, 1, 1)
    with pytest.raises(UserNotFoundError):
        gallery.describe_user("staff", "ann")
    assert not any(
        {"ann", "Ann", "Ann Lee"} & set(each.subjects)
        for each in gallery.list_history("staff").entries
    )
    assert find_erased_people("staff", ["ann"], records=deployment.collaborators.records) == {"ann"}
    assert gallery.search_users_by_face("staff", new).matches == ()


def test_a_person_kept_by_an_interrupted_expiry_is_not_deleted_when_it_is_completed(
    deployment: Deployment, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, new = expiring(deployment, gallery)
    overtaken = deployment.gallery_with(
        "records", "delete_user", before=adding(gallery, "ann", new)
    )

    def unavailable(*_: object, **__: object) -> None:
        raise StoreUnavailableError("the folder of jobs does not answer")

    with monkeypatch.context() as patch, pytest.raises(StoreUnavailableError):
        patch.setattr(deployment.collaborators.job_data, "forget", unavailable)
        overtaken.expire("staff")
    gallery.disassociate_faces("staff", "ann", [new])
    (receipt,) = gallery.resume_erasures(older_than=0)
    assert (receipt.subject, receipt.users) == (SubjectKind.EXPIRED, 0)
    assert gallery.describe_user("staff", "ann").name == "Ann Lee"
    assert gallery.list_expired("staff") == set()


def test_a_face_that_a_person_gets_while_they_are_erased_is_erased_too(
    deployment: Deployment, gallery: Gallery
) -> None:
    face_ids = four_faces_of_ann(gallery)
    gallery.disassociate_faces("staff", "ann", face_ids[2:])
    erasing = deployment.gallery_with(
        "records", "delete_user", before=adding(gallery, "ann", face_ids[2])
    )
    receipt = erasing.erase("staff", SubjectKind.USER, "ann")
    assert (receipt.faces, receipt.users) == (3, 1)
    left = [face.record.face_id for face in gallery.list_faces("staff").faces]
    assert left == face_ids[3:]
    assert gallery.list_users("staff").users == ()
    assert deployment.collaborators.records.users_of_faces("staff", face_ids) == {}


def test_a_person_who_gets_faces_again_and_again_is_erased_later(
    deployment: Deployment, gallery: Gallery
) -> None:
    gallery.create_user("staff", "ann")
    shots = iter(range(100))
    erasing = deployment.gallery_with(
        "records",
        "delete_user",
        once=False,
        before=lambda: adding(gallery, "ann", index(gallery, next(shots)))(),
    )
    with pytest.raises(ConflictError):
        erasing.erase("staff", SubjectKind.USER, "ann")
    (receipt,) = gallery.resume_erasures(older_than=0)
    assert receipt.users == 1
    assert gallery.list_faces("staff").faces == ()
    assert gallery.list_users("staff").users == ()


def erase(gallery: Gallery) -> object:
    return gallery.erase("staff", SubjectKind.USER, "ann")


def delete(gallery: Gallery) -> object:
    return gallery.delete_user("staff", "ann")


def merge(gallery: Gallery) -> object:
    gallery.create_user("staff", "bea")
    return gallery.merge_users("staff", "bea", "ann")


@pytest.mark.parametrize("ends", [erase, delete, merge])
@pytest.mark.parametrize("has_face", [True, False])
def test_a_person_who_is_created_again_before_an_erasure_is_completed_stays(
    deployment: Deployment,
    gallery: Gallery,
    ends: Callable[[Gallery], object],
    has_face: bool,
) -> None:
    clock = deployment.collaborators.clock
    old = index(gallery, 0)
    gallery.create_user("staff", "ann", name="Ann")
    adding(gallery, "ann", old)()
    new = index(gallery, 1)
    ends(finishing_elsewhere(deployment))
    clock.now += 1
    gallery.create_user("staff", "ann", name="Ann")
    today, later = day_of(clock.now), day_of(clock.now + 365 * DAY)
    gallery.register_user("staff", "ann", consent=today, expires=later)
    if has_face:
        adding(gallery, "ann", new)()
    assert gallery.resume_erasures(older_than=-60)
    ann = gallery.describe_user("staff", "ann")
    assert (ann.name, ann.face_ids) == ("Ann", (new,) if has_face else ())
    assert ann.registration is not None
    found = [match.user.user_id for match in gallery.search_users_by_face("staff", new).matches]
    assert ("ann" in found) == has_face
    assert gallery.list_history("staff", person="ann").entries


def test_a_person_who_is_created_again_while_a_killed_erasure_waits_stays(
    deployment: Deployment, gallery: Gallery
) -> None:
    gallery.create_user("staff", "ann")

    def create_again() -> None:
        deployment.collaborators.clock.now += 1
        gallery.create_user("staff", "ann")
        raise KilledError

    erasing = deployment.gallery_with("records", "delete_user", after=create_again)
    with pytest.raises(KilledError):
        erase(erasing)
    assert gallery.resume_erasures(older_than=-60)
    assert gallery.describe_user("staff", "ann").face_ids == ()


def test_nobody_of_a_collection_is_left_by_a_deletion_that_was_killed(
    deployment: Deployment, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    four_faces_of_ann(gallery)

    def killed(*_: object) -> None:
        raise KilledError

    # On one machine, all records are deleted in one transaction.
    with monkeypatch.context() as patch, suppress(KilledError):
        patch.setattr("facerec.storage.dynamodb.collections.delete_partitions", killed)
        gallery.delete_collection("staff")
    gallery.resume_erasures(older_than=-60)
    gallery.create_collection("staff")
    assert not gallery.list_users("staff").users
    assert not gallery.list_history("staff").entries


def finishing_elsewhere(deployment: Deployment) -> Gallery:
    """Return a gallery whose erasures another process completes, as on AWS."""
    own = deployment.collaborators
    return replace(own, erasures=replace(own.erasures, start=lambda _: None)).gallery()
