"""The history of people: who changed what, when and why, and undoing it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from facerec.core.erasures import SubjectKind
from facerec.core.history import Action, StepKind
from facerec.errors import (
    HistoryEntryNotFoundError,
    InvalidInputError,
    PersonChangeError,
)
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators


def index(gallery: Gallery, person: str, shot: int = 0) -> str:
    photo = fake_photo(fake_face(person, away=0.1, shot=shot))
    (face,) = gallery.index("staff", photo, external_image_id=f"{person}:{shot}").faces
    return face.record.face_id


def state(gallery: Gallery) -> object:
    """Return all that people have said, and who resembles a photo of ann."""
    people = [
        (user.user_id, user.name, user.created_at, sorted(user.face_ids))
        for user in gallery.list_users("staff").users
    ]
    found = gallery.search_users_by_photo("staff", fake_photo(fake_face("ann"))).matches
    clusters = gallery.list_clusters("staff").clusters
    return (
        people,
        gallery.list_corrections("staff").corrections,
        [(match.user.user_id, match.similarity) for match in found],
        [(each.cluster_id, each.user_id) for each in clusters],
    )


def actions(gallery: Gallery, person: str | None = None) -> list[Action]:
    entries = gallery.list_history("staff", person=person).entries
    return [entry.cause.action for entry in reversed(entries)]


class Family:
    """Ann with two faces, and Bea with one; a fourth face has nobody."""

    def __init__(self, gallery: Gallery) -> None:
        self.ann = [index(gallery, "ann", shot) for shot in range(2)]
        self.bea = index(gallery, "bea")
        self.free = index(gallery, "ann", 2)
        gallery.create_user("staff", "ann", name="Ann Lee")
        gallery.create_user("staff", "bea", name="Bea Lee")
        gallery.associate_faces("staff", "ann", self.ann, min_similarity=0)
        gallery.associate_faces("staff", "bea", [self.bea], min_similarity=0)
        gallery.not_same("staff", self.free, "bea")
        gallery.not_same("staff", self.bea, "ann")


CHANGES: dict[str, Callable[[Gallery, Family], object]] = {
    "create": lambda gallery, _: gallery.create_user("staff", "cyd", name="张伟"),
    "rename": lambda gallery, _: gallery.rename_user("staff", "ann", "Анна"),
    "remove a name": lambda gallery, _: gallery.rename_user("staff", "ann", None),
    "merge": lambda gallery, _: gallery.merge_users("staff", "ann", "bea"),
    "merge the other way": lambda gallery, _: gallery.merge_users("staff", "bea", "ann"),
    "split": lambda gallery, family: gallery.split_user(
        "staff", "ann", family.ann[:1], "eve", name="Eve"
    ),
    "add": lambda gallery, family: gallery.associate_faces(
        "staff", "ann", [family.free], min_similarity=0
    ),
    "add a corrected face": lambda gallery, family: gallery.associate_faces(
        "staff", "bea", [family.free], min_similarity=0
    ),
    "remove": lambda gallery, family: gallery.disassociate_faces("staff", "ann", family.ann),
    "not same": lambda gallery, family: gallery.not_same("staff", family.free, "ann"),
    "lift": lambda gallery, family: gallery.lift_correction("staff", family.free, "bea"),
    "not a face": lambda gallery, family: gallery.not_a_face("staff", family.free),
    "enrol": lambda gallery, _: gallery.enrol_people("staff", lambda _: "Dan"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_is_undone_leaves_all_as_it_was(gallery: Gallery, change: str) -> None:
    family = Family(gallery)
    before = state(gallery)
    known = len(gallery.list_history("staff").entries)
    CHANGES[change](gallery, family)
    changed = state(gallery)
    if change == "enrol":
        # the photos have no addresses, so that nothing is named
        assert changed == before
        return
    (entry, *others) = gallery.list_history("staff").entries
    assert len(others) == known
    done = gallery.undo("staff", entry.cause.entry_id)
    assert (done.cause.action, done.cause.undoes) == (Action.UNDO, entry.cause.entry_id)
    assert state(gallery) == before
    gallery.undo("staff", done.cause.entry_id)
    assert state(gallery) == changed
    gallery.undo("staff", entry.cause.entry_id)
    assert state(gallery) == before


def test_statements_about_clusters_can_be_undone(gallery: Gallery) -> None:
    for shot in range(4):
        index(gallery, "ann", shot)
    gallery.cluster_faces("staff")
    (cluster,) = gallery.list_clusters("staff").clusters
    gallery.ignore_cluster("staff", cluster.cluster_id)
    assert gallery.list_clusters("staff").clusters == ()
    (entry,) = gallery.list_history("staff").entries
    gallery.undo("staff", entry.cause.entry_id)
    assert gallery.list_clusters("staff").clusters == (cluster,)
    gallery.name_cluster("staff", cluster.cluster_id, "ann", name="Ann")
    assert gallery.describe_user("staff", "ann").face_ids == cluster.face_ids
    gallery.undo("staff", gallery.list_history("staff").entries[0].cause.entry_id)
    assert gallery.list_users("staff").users == ()
    assert gallery.list_clusters("staff").clusters == (cluster,)
    gallery.not_a_face("staff", cluster.face_ids[0])
    gallery.cluster_faces("staff")
    gallery.undo("staff", gallery.list_history("staff").entries[0].cause.entry_id)
    gallery.cluster_faces("staff")
    assert gallery.list_clusters("staff").clusters[0].face_ids == cluster.face_ids


def test_a_name_of_photos_is_one_entry_for_each_person(gallery: Gallery, tmp_path: Path) -> None:
    for person in ("ann", "bob"):
        path = tmp_path / f"{person}.jpg"
        path.write_bytes(fake_photo(fake_face(person)))
        gallery.index("staff", str(path))
    gallery.enrol_people("staff", lambda source: Path(source).stem.title())
    assert actions(gallery) == [Action.ENROL, Action.ENROL]
    entries = gallery.list_history("staff", person="Bob").entries
    assert [step.kind for step in entries[0].steps] == [StepKind.CREATED, StepKind.FACES_ADDED]
    gallery.undo("staff", entries[0].cause.entry_id)
    assert [user.name for user in gallery.list_users("staff").users] == ["Ann"]
    gallery.enrol_people("staff", lambda source: Path(source).stem.title())
    assert actions(gallery, "Bob") == [Action.ENROL, Action.UNDO, Action.ENROL]


def test_an_entry_says_who_when_and_why(gallery: Gallery, collaborators: Collaborators) -> None:
    collaborators.clock.now = 1_800_000_000.0
    with gallery.requested_by("zoe", why="asked by phone"):
        gallery.create_user("staff", "ann")
    gallery.create_user("staff", "bob")
    second, first = gallery.list_history("staff").entries
    assert (first.cause.by, first.cause.why) == ("zoe", "asked by phone")
    assert (second.cause.by, second.cause.why) == (None, None)
    assert 0 <= first.cause.at - 1_800_000_000 < second.cause.at - 1_800_000_000 < 1
    for by, why in (("", None), ("zoe", "two\nlines"), ("a" * 2049, None), ("zoe", "a" * 1001)):
        with pytest.raises(InvalidInputError):
            gallery.requested_by(by, why=why)


def test_what_changes_nothing_is_no_entry(gallery: Gallery) -> None:
    family = Family(gallery)
    known = gallery.list_history("staff").entries
    gallery.rename_user("staff", "ann", "Ann Lee")
    gallery.associate_faces("staff", "ann", family.ann)
    gallery.not_same("staff", family.free, "bea")
    gallery.lift_correction("staff", family.free, "cyd")
    with pytest.raises(InvalidInputError):
        gallery.create_user("staff", "ann")
    with pytest.raises(PersonChangeError):
        gallery.merge_users("staff", "ann", "ann")
    assert gallery.list_history("staff").entries == known


def test_the_history_of_a_person_is_found_by_earlier_names_too(gallery: Gallery) -> None:
    Family(gallery)
    gallery.rename_user("staff", "ann", "Анна")
    expected = [Action.CREATE, Action.ADD_FACES, Action.RENAME]
    for person in ("ann", "Ann Lee", "Анна"):
        found = actions(gallery, person)
        assert [each for each in found if each is not Action.NOT_SAME] == expected
    assert actions(gallery, "nobody") == []


def test_somebody_who_no_longer_exists_is_not_named_as_who_has_the_id_now(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    Family(gallery)
    gallery.merge_users("staff", "ann", "bea")
    collaborators.clock.now += 60
    gallery.create_user("staff", "bea", name="Xi")
    gallery.rename_user("staff", "ann", "Anne")

    def named() -> list[tuple[Action, dict[str, str]]]:
        page = gallery.list_history("staff", person="bea")
        return [
            (entry.cause.action, dict(page.names[entry.cause.entry_id]))
            for entry in reversed(page.entries)
        ]

    assert named() == [
        (Action.CREATE, {}),
        (Action.ADD_FACES, {}),
        (Action.NOT_SAME, {}),
        (Action.MERGE, {"ann": "Anne"}),
        (Action.CREATE, {"bea": "Xi"}),
    ]
    created, merged = gallery.list_history("staff", person="bea").entries[:2]
    gallery.undo("staff", created.cause.entry_id)
    gallery.undo("staff", merged.cause.entry_id)
    assert (Action.MERGE, {"ann": "Anne", "bea": "Bea Lee"}) in named()
    assert (Action.CREATE, {}) in named()


def test_the_history_comes_in_pages_newest_first(gallery: Gallery) -> None:
    for number in range(5):
        gallery.create_user("staff", f"user-{number}")
    found, token = [], None
    while True:
        page = gallery.list_history("staff", limit=2, next_token=token)
        found += [entry.steps[0].user_id for entry in page.entries]
        token = page.next_token
        if token is None:
            break
    assert found == [f"user-{number}" for number in reversed(range(5))]


LATER: dict[str, tuple[str, Callable[[Gallery, Family], object]]] = {
    "a renamed person": ("rename", lambda gallery, _: gallery.rename_user("staff", "ann", "Anne")),
    "a deleted person": ("rename", lambda gallery, _: gallery.delete_user("staff", "ann")),
    "a name that another has now": (
        "rename",
        lambda gallery, _: gallery.create_user("staff", "eve", name="Ann Lee"),
    ),
    "a face that another has now": (
        "remove",
        lambda gallery, family: gallery.associate_faces(
            "staff", "bea", family.ann[1:], min_similarity=0
        ),
    ),
    "a face that was removed": (
        "add",
        lambda gallery, family: gallery.disassociate_faces("staff", "ann", [family.free]),
    ),
    "a created person with faces": (
        "create",
        lambda gallery, family: gallery.associate_faces("staff", "cyd", [family.free]),
    ),
    "a merge whose person was split": (
        "merge",
        lambda gallery, family: gallery.split_user("staff", "ann", [family.bea], "eve"),
    ),
    "a lifted correction": (
        "not same",
        lambda gallery, family: gallery.lift_correction("staff", family.free, "ann"),
    ),
    "a person who was merged into a deleted one": (
        "merge",
        lambda gallery, _: gallery.delete_user("staff", "ann"),
    ),
    "an erased person": (
        "rename",
        lambda gallery, _: gallery.erase("staff", SubjectKind.USER, "ann"),
    ),
    "all faces deleted": (
        "add",
        lambda gallery, family: gallery.delete_faces("staff", [family.free], disassociate=True),
    ),
}


@pytest.mark.parametrize("case", LATER)
def test_what_later_changes_prevent_is_refused_and_nothing_is_changed(
    gallery: Gallery, case: str
) -> None:
    family = Family(gallery)
    change, later = LATER[case]
    CHANGES[change](gallery, family)
    entry_id = gallery.list_history("staff").entries[0].cause.entry_id
    later(gallery, family)
    before, known = state(gallery), gallery.list_history("staff").entries
    with pytest.raises(PersonChangeError) as raised:
        gallery.undo("staff", entry_id)
    assert "\n" not in raised.value.message
    # What an erasure has removed cannot be brought back by undoing later changes.
    gone = case in {"a deleted person", "a person who was merged into a deleted one"}
    gone |= case == "an erased person"
    assert (raised.value.hint == "undo later changes first, newest first") is not gone
    assert (state(gallery), gallery.list_history("staff").entries) == (before, known)


def test_an_entry_is_undone_once(gallery: Gallery) -> None:
    gallery.create_user("staff", "ann")
    (entry,) = gallery.list_history("staff").entries
    gallery.undo("staff", entry.cause.entry_id)
    with pytest.raises(PersonChangeError, match="already been undone"):
        gallery.undo("staff", entry.cause.entry_id)
    with pytest.raises(HistoryEntryNotFoundError):
        gallery.undo("staff", "20260101T000000000000Z-0000")


def texts(gallery: Gallery) -> str:
    return repr(
        [(entry, entry.cause.why) for entry in gallery.list_history("staff").entries]
    ) + repr(
        [step.to_json() for entry in gallery.list_history("staff").entries for step in entry.steps]
    )


def content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("facerec.db*")))


def test_an_erased_person_has_no_name_in_the_history(gallery: Gallery, tmp_path: Path) -> None:
    family = Family(gallery)
    with gallery.requested_by("zoe", why="Frau Lee rief an"):
        gallery.rename_user("staff", "ann", "Annette Möller")
    gallery.create_user("staff", "ann-2", name="Nettie")
    gallery.merge_users("staff", "ann", "ann-2")
    receipt = gallery.erase("staff", SubjectKind.USER, "ann")
    assert receipt.history > 0
    left = texts(gallery)
    gone = ("Ann Lee", "Annette", "Nettie", "ann-2", "Frau Lee", *family.ann)
    assert [name for name in gone if name in left] == []
    stored = content(tmp_path)
    assert [name for name in gone[:5] if name.encode() in stored] == []
    assert actions(gallery, "bea")
    assert all(entry.cause.at for entry in gallery.list_history("staff").entries)


def test_a_deleted_person_has_no_name_in_the_history(gallery: Gallery, tmp_path: Path) -> None:
    Family(gallery)
    gallery.rename_user("staff", "ann", "Annette")
    with gallery.requested_by("zoe", why="Ann Lee has left"):
        receipt = gallery.delete_user("staff", "ann")
    assert receipt.history > 0
    left, stored = texts(gallery), content(tmp_path)
    for name in ("Ann Lee", "Annette"):
        assert name not in left
        assert name.encode() not in stored
    (entry, *_) = gallery.list_history("staff").entries
    assert (entry.cause.action, entry.cause.by) == (Action.DELETE, "zoe")
    with pytest.raises(PersonChangeError):
        gallery.undo("staff", entry.cause.entry_id)


def test_whoever_was_merged_goes_with_an_erased_person_unless_it_was_undone(
    gallery: Gallery,
) -> None:
    Family(gallery)
    gallery.merge_users("staff", "ann", "bea")
    merge = gallery.list_history("staff").entries[0].cause.entry_id
    gallery.undo("staff", merge)
    gallery.delete_user("staff", "ann")
    assert actions(gallery, "bea").count(Action.CREATE) == 1


def test_a_merge_that_was_undone_and_done_again_counts(gallery: Gallery) -> None:
    Family(gallery)
    gallery.merge_users("staff", "ann", "bea")
    merge = gallery.list_history("staff").entries[0].cause.entry_id
    gallery.undo("staff", gallery.undo("staff", merge).cause.entry_id)
    gallery.delete_user("staff", "ann")
    assert actions(gallery, "bea") == []


def test_an_erased_external_id_has_no_name_unless_a_person_has_it(gallery: Gallery) -> None:
    index(gallery, "ann")
    bea = index(gallery, "bea")
    gallery.not_same("staff", bea, "ann")
    gallery.erase("staff", SubjectKind.EXTERNAL_ID, "ann:0")
    assert "'ann'" not in texts(gallery)
    index(gallery, "ann", 1)
    gallery.create_user("staff", "ann:1", name="Ann")
    gallery.erase("staff", SubjectKind.EXTERNAL_ID, "ann:1")
    assert "Ann" in texts(gallery)


def test_the_history_goes_with_its_collection(gallery: Gallery, tmp_path: Path) -> None:
    Family(gallery)
    gallery.delete_collection("staff")
    gallery.create_collection("staff")
    assert gallery.list_history("staff").entries == ()
    assert b"Ann Lee" not in content(tmp_path)


def test_the_history_is_kept_as_long_as_faces(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path
) -> None:
    gallery.create_user("staff", "ann", name="Ann Lee")
    gallery.delete_user("staff", "ann")
    collaborators.clock.now += 2 * 86_400
    gallery.create_user("staff", "bea")
    gallery.expire("staff")
    assert len(gallery.list_history("staff").entries) == 3
    gallery.set_retention("staff", 1)
    gallery.expire("staff")
    assert actions(gallery) == [Action.CREATE]
    assert b"Ann Lee" not in content(tmp_path)


def test_a_killed_deletion_is_completed_with_its_entry(
    gallery: Gallery, collaborators: Collaborators, monkeypatch: pytest.MonkeyPatch
) -> None:
    Family(gallery)

    def killed(*_: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(collaborators.records), "delete_user", killed)
        with gallery.requested_by("zoe", why="left"):
            gallery.delete_user("staff", "ann")
    assert actions(gallery)[-1] is Action.NOT_SAME
    gallery.resume_erasures(older_than=0)
    entry = gallery.list_history("staff").entries[0]
    assert (entry.cause.action, entry.cause.by) == (Action.DELETE, "zoe")
    assert "Ann Lee" not in texts(gallery)
