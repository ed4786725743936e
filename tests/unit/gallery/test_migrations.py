"""Collections that are migrated to another model version."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from moto import mock_aws

from facerec.core.erasures import SubjectKind
from facerec.core.ids import group_of
from facerec.core.migrations import MigrationState
from facerec.core.options import DETECTOR_NAMES, MIN_SMALLEST_FACE, FaceOptions, QualityFilter
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.errors import ConflictError, MigrationError, RecipeUnavailableError
from facerec.gallery.gallery import Gallery
from facerec.gallery.migrating.migration_results import MigrationPage, MissingReason
from facerec.gallery.transfer.importing import KnownFace
from facerec.storage.sqlite.vector_store import SqliteVectors
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.gallery import Collaborators
from tests.support.long import rarely_short
from tests.support.stack_template import create_table

PEOPLE = ("ann", "bob", "cyd", "dan")


@pytest.fixture(params=rarely_short(["one file", "two services"], "one file"))
def collaborators(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Collaborators]:
    recipes = {"fast": FakeEngine(), "accurate": FakeEngine("fake-accurate")}
    if request.param == "one file":
        collaborators = Collaborators.in_folder(tmp_path, engine=recipes["fast"], recipes=recipes)
        yield collaborators
        collaborators.faces.close()
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        create_table(client, "facerec")
        collaborators = Collaborators.in_two_services(
            tmp_path, client, engine=recipes["fast"], recipes=recipes
        )
        yield collaborators
        collaborators.faces.close()


@pytest.fixture
def gallery(collaborators: Collaborators, tmp_path: Path) -> Gallery:
    """A gallery with a collection of two photos of each person."""
    gallery = collaborators.gallery()
    gallery.create_collection("staff")
    for person in PEOPLE:
        for shot in (1, 2):
            index(gallery, tmp_path, person, shot)
    return gallery


def index(gallery: Gallery, folder: Path, person: str, shot: int) -> str:
    path = folder / f"{person}-{shot}.photo"
    path.write_bytes(photo_of(person, shot))
    result = gallery.index("staff", path, external_image_id=f"{person}:{shot}")
    (face,) = result.faces
    return face.record.face_id


def photo_of(person: str, shot: int = 9) -> bytes:
    return fake_photo(fake_face(person, shot=shot, away=0.1))


def ids(gallery: Gallery, person: str | None = None) -> list[str]:
    faces = gallery.list_faces("staff").faces
    return [
        face.record.face_id
        for face in faces
        if person is None or (face.record.external_image_id or "").startswith(f"{person}:")
    ]


def prepare(gallery: Gallery, recipe: str | None = "accurate", limit: int = 3) -> MigrationPage:
    """Prepare all faces; return the counts of all pages as one."""
    page = gallery.prepare_migration("staff", recipe, limit=limit)
    while page.next_token is not None:
        following = gallery.prepare_migration("staff", next_token=page.next_token, limit=limit)
        page = replace(
            following,
            described=page.described + following.described,
            missing=page.missing + following.missing,
        )
    return page


def found(gallery: Gallery, person: str) -> set[str]:
    """Return the ids of the faces that a search for a person finds."""
    (face,) = gallery.search("staff", photo_of(person)).faces
    return {match.face.face_id for match in face.matches}


def clusters_of(gallery: Gallery) -> list[tuple[str, tuple[str, ...]]]:
    return [
        (cluster.cluster_id, cluster.face_ids)
        for cluster in gallery.list_clusters("staff").clusters
    ]


def versions(collaborators: Collaborators) -> set[str]:
    return {record.model_version for record in collaborators.faces.all_faces("staff")}


def test_searches_find_the_same_faces_before_and_after_the_switch(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    before = {person: found(gallery, person) for person in PEOPLE}
    assert prepare(gallery).described == 8
    assert {person: found(gallery, person) for person in PEOPLE} == before
    assert versions(collaborators) == {"fake-1"}
    status = gallery.switch_version("staff")
    assert (status.state, status.model_version) == (MigrationState.SWITCHED, "fake-accurate")
    assert versions(collaborators) == {"fake-accurate"}
    assert {person: found(gallery, person) for person in PEOPLE} == before
    assert all(len(own) == 2 for own in before.values())


def test_faces_have_the_embeddings_that_a_new_collection_would_have(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path
) -> None:
    prepare(gallery)
    gallery.switch_version("staff")
    gallery.finish_migration("staff")
    gallery.create_collection("new", recipe="accurate")
    for path in tmp_path.glob("*.photo"):
        gallery.index("new", path, external_image_id=path.stem)

    def embeddings(name: str) -> set[bytes]:
        records = list(collaborators.faces.all_faces(name))
        stored = collaborators.faces.get_faces(name, [each.face_id for each in records])
        return {face.embedding.tobytes() for face in stored}

    assert embeddings("staff") == embeddings("new")


def test_what_people_have_said_stays(gallery: Gallery) -> None:
    ann, bob = ids(gallery, "ann"), ids(gallery, "bob")
    with gallery.requested_by("eve"):
        gallery.create_user("staff", "ann", name="Ann")
        gallery.associate_faces("staff", "ann", ann)
        gallery.create_user("staff", "dan")
        gallery.not_same("staff", bob[0], "dan")
    gallery.set_tags("staff", {"team": "north"})
    history = gallery.list_history("staff").entries
    prepare(gallery)
    gallery.switch_version("staff")
    gallery.finish_migration("staff")
    assert gallery.describe_user("staff", "ann").face_ids == tuple(ann)
    assert [each.face_id for each in gallery.list_corrections("staff").corrections] == [bob[0]]
    assert gallery.list_history("staff").entries == history
    assert gallery.get_tags("staff") == {"team": "north"}


def test_what_was_said_about_unknown_people_stays(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    if collaborators.clusters is None:
        pytest.skip("only the embedded store has clusters")
    gallery.not_a_face("staff", ids(gallery, "bob")[1])
    gallery.cluster_faces("staff")
    clusters, history = clusters_of(gallery), gallery.list_history("staff").entries
    prepare(gallery)
    gallery.switch_version("staff")
    gallery.finish_migration("staff")
    assert clusters_of(gallery) == clusters
    assert gallery.list_history("staff").entries == history
    gallery.cluster_faces("staff")
    assert clusters_of(gallery) == clusters


def test_people_are_found_with_the_version_that_is_served(gallery: Gallery) -> None:
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", ids(gallery, "ann"))

    def people() -> list[str]:
        matches = gallery.search_users_by_photo("staff", photo_of("ann")).matches
        return [match.user.user_id for match in matches]

    prepare(gallery)
    assert people() == ["ann"]
    gallery.switch_version("staff")
    assert people() == ["ann"]
    gallery.cancel_migration("staff")
    assert people() == ["ann"]


def test_a_switch_back_serves_the_first_embeddings_again(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path
) -> None:
    first = {
        face.record: face.embedding.tobytes()
        for face in collaborators.faces.get_faces("staff", ids(gallery))
    }
    prepare(gallery)
    gallery.switch_version("staff")
    for path in tmp_path.glob("*.photo"):
        path.unlink()
    cancelled = gallery.cancel_migration("staff")
    assert cancelled.removed == 8
    assert cancelled.status.state is None
    assert {
        face.record: face.embedding.tobytes()
        for face in collaborators.faces.get_faces("staff", ids(gallery))
    } == first


def test_a_face_that_is_indexed_after_the_switch_is_described_before_the_switch_back(
    gallery: Gallery, tmp_path: Path
) -> None:
    prepare(gallery)
    gallery.switch_version("staff")
    new = index(gallery, tmp_path, "eve", 1)
    with pytest.raises(MigrationError, match="1 of 9 faces"):
        gallery.cancel_migration("staff")
    assert prepare(gallery, None).described == 1
    gallery.cancel_migration("staff")
    assert found(gallery, "eve") == {new}


def test_a_face_that_is_indexed_while_it_is_prepared_is_not_lost(
    gallery: Gallery, tmp_path: Path
) -> None:
    prepare(gallery)
    new = index(gallery, tmp_path, "eve", 1)
    with pytest.raises(MigrationError, match="1 of 9 faces"):
        gallery.switch_version("staff")
    assert prepare(gallery).described == 1
    gallery.switch_version("staff")
    assert found(gallery, "eve") == {new}


def test_the_same_photo_has_the_same_faces_after_a_migration(
    gallery: Gallery, tmp_path: Path
) -> None:
    before = ids(gallery)
    prepare(gallery)
    gallery.switch_version("staff")
    gallery.finish_migration("staff")
    for person in PEOPLE:
        index(gallery, tmp_path, person, 1)
    assert ids(gallery) == before


def test_a_face_that_is_deleted_is_in_no_version(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    deleted = ids(gallery, "ann")
    prepare(gallery)
    gallery.delete_faces("staff", [deleted[0]])
    assert collaborators.migrations is not None
    assert not collaborators.migrations.get_standby_faces("staff", deleted[:1])
    gallery.switch_version("staff")
    gallery.delete_faces("staff", [deleted[1]])
    assert not collaborators.migrations.get_standby_faces("staff", deleted)
    gallery.cancel_migration("staff")
    assert not found(gallery, "ann")
    assert gallery.migration_status("staff").faces == 6


def test_no_file_has_an_embedding_of_an_erased_person(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path
) -> None:
    prepare(gallery)
    assert collaborators.migrations is not None
    (first,) = collaborators.faces.get_faces("staff", ids(gallery, "ann")[:1])
    (other,) = collaborators.migrations.get_standby_faces("staff", ids(gallery, "ann")[:1])
    assert not np.array_equal(first.embedding, other.embedding)
    gallery.erase("staff", SubjectKind.EXTERNAL_ID, "ann:1")
    gallery.erase("staff", SubjectKind.EXTERNAL_ID, "ann:2")
    content = b"".join(path.read_bytes() for path in tmp_path.glob("facerec.db*"))
    assert first.embedding.tobytes() not in content
    assert other.embedding.tobytes() not in content


@pytest.mark.parametrize("end", ["finish", "cancel", "delete"])
def test_no_file_has_an_embedding_of_the_version_that_was_removed(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path, end: str
) -> None:
    prepare(gallery)
    assert collaborators.migrations is not None
    if end == "finish":
        gallery.switch_version("staff")
    others = collaborators.migrations.get_standby_faces("staff", ids(gallery))
    assert len(others) == 8
    if end == "finish":
        assert gallery.finish_migration("staff").removed == 8
    elif end == "cancel":
        assert gallery.cancel_migration("staff").removed == 8
    else:
        gallery.delete_collection("staff")
    content = b"".join(path.read_bytes() for path in tmp_path.glob("facerec.db*"))
    assert not [face for face in others if face.embedding.tobytes() in content]


def test_a_collection_that_is_created_again_is_not_migrated(gallery: Gallery) -> None:
    prepare(gallery)
    gallery.delete_collection("staff")
    gallery.create_collection("staff")
    status = gallery.migration_status("staff")
    assert (status.state, status.ready) == (None, 0)


def test_an_export_has_both_versions_of_a_face(gallery: Gallery) -> None:
    (face_id, _) = ids(gallery, "ann")
    prepare(gallery)
    export = gallery.export("staff", SubjectKind.FACE, face_id).to_json()
    (face,), (other,) = export["faces"], export["standby_faces"]
    assert other["face"]["face_id"] == face["face"]["face_id"] == face_id
    assert other["face"]["model_version"] == "fake-accurate"
    assert len(other["embedding"]) == 128
    assert other["embedding"] != face["embedding"]


def test_expired_faces_leave_both_versions(gallery: Gallery, collaborators: Collaborators) -> None:
    gallery.set_retention("staff", 1)
    prepare(gallery)
    collaborators.clock.now += 2 * 86_400
    gallery.expire("staff")
    status = gallery.migration_status("staff")
    assert (status.faces, status.ready) == (0, 0)


def gone(path: Path) -> None:
    path.unlink()


def changed(path: Path) -> None:
    path.write_bytes(photo_of("zoe"))


def damaged(path: Path) -> None:
    """Replace a photo by a file whose reading is an input/output error."""
    path.unlink()
    path.symlink_to("/proc/self/mem")


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (gone, MissingReason.PHOTO_GONE),
        (changed, MissingReason.PHOTO_CHANGED),
        (damaged, MissingReason.READ_FAILED),
    ],
)
def test_a_face_without_its_photo_is_named_and_the_version_is_not_switched(
    gallery: Gallery, tmp_path: Path, happens: Callable[[Path], None], reason: MissingReason
) -> None:
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", ids(gallery, "ann"))
    happens(tmp_path / "ann-1.photo")
    for dry_run in (True, False):
        page = gallery.prepare_migration("staff", "accurate", dry_run=dry_run)
        (missing,) = page.missing
        assert (missing.external_image_id, missing.user_id) == ("ann:1", "ann")
        assert missing.reason is reason
    with pytest.raises(MigrationError, match="1 of 8 faces") as caught:
        gallery.switch_version("staff")
    assert "delete those whose photos are gone" in (caught.value.hint or "")
    gallery.delete_faces("staff", [missing.face_id], disassociate=True)
    gallery.switch_version("staff")
    assert len(gallery.describe_user("staff", "ann").face_ids) == 1


def test_a_face_of_a_photo_that_was_given_as_bytes_is_named(gallery: Gallery) -> None:
    gallery.index("staff", photo_of("eve"), external_image_id="eve")
    gallery.index("staff", photo_of("zoe"), external_image_id="zoe", photo_name="zoe.jpg")
    missing = prepare(gallery).missing
    assert {each.external_image_id for each in missing} == {"eve", "zoe"}
    assert {each.reason for each in missing} == {MissingReason.NO_ADDRESS}


def test_a_face_that_no_detector_finds_again_is_named(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    (face_id, _) = ids(gallery, "ann")
    (face,) = collaborators.faces.get_faces("staff", [face_id])
    moved = replace(face.record, box=replace(face.record.box, left=0.8))
    collaborators.faces.put_images("staff", {group_of(face_id): [replace(face, record=moved)]})
    (missing,) = prepare(gallery).missing
    assert (missing.face_id, missing.reason) == (face_id, MissingReason.NOT_FOUND_AGAIN)


def test_faces_that_the_options_rejected_at_first_are_found_again(
    gallery: Gallery, tmp_path: Path
) -> None:
    path = tmp_path / "blurred.photo"
    path.write_bytes(fake_photo(fake_face("eve", sharp=False, confidence=0.3)))
    options = FaceOptions(quality_filter=QualityFilter.NONE, min_confidence=0.2)
    gallery.index("staff", path, options=options)
    assert not prepare(gallery).missing


@pytest.mark.parametrize("smallest_face", [None, MIN_SMALLEST_FACE])
@pytest.mark.parametrize("detector", DETECTOR_NAMES)
def test_a_face_is_found_again_with_the_options_that_found_it(
    collaborators: Collaborators,
    tmp_path: Path,
    detector: str,
    smallest_face: int | None,
) -> None:
    """A detector finds faces that others miss, and only if it searches for small ones."""
    path = tmp_path / "small.photo"
    path.write_bytes(fake_photo(fake_face("eve", confidence=0.3)))
    options = FaceOptions(
        quality_filter=QualityFilter.NONE,
        min_confidence=0.2,
        detector=detector,
        smallest_face=smallest_face,
    )
    tried: list[FaceOptions] = []

    class Particular(FakeEngine):
        """Finds a face only with the options that were used at first."""

        def analyse(
            self, photos: Sequence[bytes], options: FaceOptions
        ) -> list[PhotoFaces | UnreadablePhoto]:
            tried.append(options)
            is_small = options.smallest_face is not None
            alike = (options.detector, is_small) == (detector, smallest_face is not None)
            # a lower confidence decides otherwise how the photo is turned
            alike = alike and options.min_confidence > 0.2
            return super().analyse(photos if alike else [fake_photo()] * len(photos), options)

    engine = Particular("fake-accurate")
    recipes = {**collaborators.recipes, "accurate": engine}
    gallery = replace(collaborators, recipes=recipes).gallery()
    gallery.create_collection("small")
    gallery.index("small", path, options=options)
    page = gallery.prepare_migration("small", "accurate")
    assert (page.described, page.missing) == (1, ())
    assert len(tried) <= 2 * len(DETECTOR_NAMES)


def test_a_face_that_was_imported_is_described_if_its_photo_shows_it(
    gallery: Gallery, tmp_path: Path
) -> None:
    shown, other = tmp_path / "shown.photo", tmp_path / "other.photo"
    for path in (shown, other):
        path.write_bytes(photo_of(path.stem))
    for number, path in enumerate((shown, other)):
        (face,) = gallery.detect(path).faces
        known = KnownFace(
            f"0000000{number}-0000-4000-8000-000000000000",
            f"1000000{number}-0000-4000-8000-000000000000",
            path.stem,
            face.box,
        )
        gallery.import_faces("staff", path, [known])
    other.write_bytes(photo_of("somebody else"))
    (missing,) = prepare(gallery).missing
    assert (missing.external_image_id, missing.reason) == ("other", MissingReason.PHOTO_CHANGED)


def test_a_threshold_belongs_to_the_version_that_it_was_chosen_for(gallery: Gallery) -> None:
    gallery.set_threshold("staff", 0.7)
    prepare(gallery)
    status = gallery.switch_version("staff")
    assert (status.threshold, status.standby_threshold) == (None, 0.7)
    gallery.set_threshold("staff", 0.6)
    assert gallery.cancel_migration("staff").status.threshold == 0.7


def test_a_collection_is_not_switched_while_a_job_imports_faces_into_it(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    prepare(gallery)
    collaborators.job_data.imports = True
    with pytest.raises(ConflictError, match="a job is importing faces into collection 'staff'"):
        gallery.switch_version("staff")
    collaborators.job_data.imports = False
    assert gallery.switch_version("staff").state is MigrationState.SWITCHED


def test_a_switch_that_is_repeated_changes_nothing(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    prepare(gallery)
    status = gallery.switch_version("staff")
    assert gallery.switch_version("staff") == status
    assert versions(collaborators) == {"fake-accurate"}


def test_a_photo_that_is_indexed_during_the_switch_is_refused(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path
) -> None:
    prepare(gallery)
    engine = SwitchingEngine(lambda: gallery.switch_version("staff"))
    collaborators.engine = engine
    collaborators.recipes = {**collaborators.recipes, "fast": engine}
    with pytest.raises(ConflictError, match="serves model version 'fake-accurate' now"):
        index(collaborators.gallery(), tmp_path, "eve", 1)
    assert versions(collaborators) == {"fake-accurate"}


def test_a_search_during_the_switch_returns_no_faces_of_another_version(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    prepare(gallery)
    engine = SwitchingEngine(lambda: gallery.switch_version("staff"))
    collaborators.engine = engine
    collaborators.recipes = {**collaborators.recipes, "fast": engine}
    with pytest.raises(ConflictError, match="serves model version 'fake-accurate' now"):
        found(collaborators.gallery(), "ann")


@pytest.mark.parametrize("after", ["search", "get_vectors"])
@pytest.mark.parametrize("by", ["face", "user", "photo"])
def test_a_search_for_people_during_the_switch_compares_no_faces_of_two_versions(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, by: str, after: str
) -> None:
    for person in ("ann", "bob"):
        gallery.create_user("staff", person)
        gallery.associate_faces("staff", person, ids(gallery, person))
    searches: dict[str, Callable[[], object]] = {
        "face": lambda: gallery.search_users_by_face("staff", ids(gallery, "ann")[0], threshold=0),
        "user": lambda: gallery.search_users_by_user("staff", "ann", threshold=0),
        "photo": lambda: gallery.search_users_by_photo("staff", photo_of("ann"), threshold=0),
    }
    prepare(gallery)
    before = searches[by]()
    real = getattr(SqliteVectors, after)

    def switched(*given: object, **named: object) -> object:
        result = real(*given, **named)
        with monkeypatch.context() as patch:
            patch.setattr(SqliteVectors, after, real)
            gallery.switch_version("staff")
        monkeypatch.setattr(SqliteVectors, after, real)
        return result

    monkeypatch.setattr(SqliteVectors, after, switched)
    try:
        assert searches[by]() == before
    except ConflictError as error:
        assert "serves model version 'fake-accurate' now" in error.message
    assert gallery.migration_status("staff").state is MigrationState.SWITCHED


def test_an_export_during_the_switch_contains_no_faces_of_two_versions(
    gallery: Gallery,
    collaborators: Collaborators,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    prepare(gallery)
    monkeypatch.setattr("facerec.gallery.operations.transfers.FACES_AT_ONCE", 2)
    read, pages = collaborators.faces.list_faces, []

    def list_faces(*given: Any, **named: Any) -> Any:  # noqa: ANN401
        pages.append(read(*given, **named))
        if len(pages) == 2:
            gallery.switch_version("staff")
        return pages[-1]

    monkeypatch.setattr(collaborators.faces, "list_faces", list_faces)
    with pytest.raises(ConflictError, match="serves model version 'fake-accurate' now"):
        gallery.export_collection("staff", tmp_path / "export")
    assert not (tmp_path / "export").exists()


class SwitchingEngine(FakeEngine):
    """An engine during whose work something happens."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self._happens = happens

    def analyse(self, photos, options):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        self._happens()
        return super().analyse(photos, options)


def test_nothing_is_switched_finished_or_cancelled_without_a_migration(gallery: Gallery) -> None:
    for operation in (gallery.switch_version, gallery.finish_migration, gallery.cancel_migration):
        with pytest.raises(MigrationError, match="'staff' is not being migrated"):
            operation("staff")
    with pytest.raises(MigrationError, match="'staff' is not being migrated"):
        gallery.prepare_migration("staff")


def test_what_is_not_possible_is_refused_in_one_line(gallery: Gallery) -> None:
    with pytest.raises(MigrationError, match="already has the recipe 'fast'"):
        gallery.prepare_migration("staff", "fast")
    with pytest.raises(RecipeUnavailableError):
        gallery.prepare_migration("staff", "best")
    prepare(gallery)
    with pytest.raises(MigrationError, match="has not been switched to the new version yet"):
        gallery.finish_migration("staff")
    gallery.switch_version("staff")
    with pytest.raises(MigrationError, match="already has the recipe 'accurate'"):
        gallery.prepare_migration("staff", "accurate")


def test_a_switch_says_how_many_faces_are_not_described(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    """Faces that were added after the gallery has counted them are found by the store."""
    gallery.begin_migration("staff", "accurate")
    assert collaborators.migrations is not None
    with pytest.raises(MigrationError, match="8 of 8 faces of 'staff' are not yet described"):
        collaborators.migrations.switch_version(
            "staff", MigrationState.PREPARING, lambda _faces: None
        )


def test_a_range_that_is_stopped_before_its_first_face_is_not_done(gallery: Gallery) -> None:
    def describe(stop: bool) -> tuple[int, str | None, bool]:
        return gallery.prepare_range("staff", "accurate", after=None, last=None, stop=lambda: stop)

    assert describe(stop=True) == (0, None, False)
    described, _, is_done = describe(stop=False)
    assert (described, is_done) == (8, True)


def test_a_gallery_whose_stores_have_no_migrations_says_so(collaborators: Collaborators) -> None:
    collaborators.migrations = None
    gallery = collaborators.gallery()
    gallery.create_collection("staff")
    with pytest.raises(MigrationError, match="cannot be migrated"):
        gallery.prepare_migration("staff", "accurate")
    assert gallery.migration_status("staff").state is None


def test_an_exported_collection_keeps_its_ids_after_a_migration(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path
) -> None:
    before = ids(gallery)
    prepare(gallery)
    gallery.switch_version("staff")
    gallery.export_collection("staff", tmp_path / "export")
    other = Collaborators.in_folder(
        tmp_path / "other", engine=collaborators.engine, recipes=collaborators.recipes
    ).gallery()
    other.import_collection(tmp_path / "export")
    for person in PEOPLE:
        index(other, tmp_path, person, 1)
    assert ids(other) == before
    other.close()
