"""Whole migrations: all faces are described, and the collection serves the other version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from facerec.cli.exit_codes import MIGRATION_HINTS, hint_of
from facerec.core.migrations import MigrationState
from facerec.errors import InvalidInputError, MigrationError, MigrationRemedy
from facerec.gallery.gallery import Gallery
from facerec.gallery.migrating.migration_results import MissingFace
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.gallery import Collaborators

FACES = 6


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """A gallery with a collection of six photos, one face each."""
    recipes = {"fast": FakeEngine(), "accurate": FakeEngine("fake-accurate")}
    made = Collaborators.in_folder(tmp_path, engine=recipes["fast"], recipes=recipes)
    gallery = made.gallery()
    gallery.create_collection("staff")
    for number in range(FACES):
        index(gallery, tmp_path, number)
    yield gallery
    made.records.close()  # type: ignore[attr-defined]


def index(gallery: Gallery, folder: Path, number: int) -> str:
    path = folder / f"{number}.photo"
    path.write_bytes(fake_photo(fake_face(f"person {number}")))
    (face,) = gallery.index("staff", path).faces
    return face.record.face_id


def ids(gallery: Gallery) -> set[str]:
    return {face.record.face_id for face in gallery.list_faces("staff").faces}


class Listener:
    """Remembers what it hears, and adds a photo once the faces are described."""

    def __init__(self, gallery: Gallery | None = None, folder: Path = Path()) -> None:
        self.pages: list[tuple[int, int]] = []
        self.missing: list[MissingFace] = []
        self.dropped: list[MissingFace] = []
        self._gallery, self._folder = gallery, folder

    def on_page(self, done: int, faces: int) -> None:
        self.pages.append((done, faces))
        if self._gallery is not None:
            index(self._gallery, self._folder, 100)
            self._gallery = None

    def on_missing(self, missing: Sequence[MissingFace]) -> None:
        self.missing += missing

    def on_drop(self, missing: Sequence[MissingFace]) -> None:
        self.dropped += missing


def test_a_migration_describes_all_faces_and_serves_them(gallery: Gallery) -> None:
    before, listener = ids(gallery), Listener()
    migrated = gallery.migrate("staff", "accurate", listener=listener)
    assert (migrated.described, migrated.missing) == (FACES, ())
    assert migrated.status.state is MigrationState.SWITCHED
    assert migrated.status.model_version == "fake-accurate"
    assert listener.pages == [(FACES, FACES)]
    assert ids(gallery) == before
    assert gallery.migrate("staff", "accurate").described == 0


def test_a_dry_run_changes_nothing(gallery: Gallery, tmp_path: Path) -> None:
    (tmp_path / "0.photo").unlink()
    looked = gallery.migrate("staff", "accurate", dry_run=True, drop_missing=True)
    assert [face.reason for face in looked.missing] == ["PHOTO_GONE"]
    assert (looked.status.state, looked.described, len(ids(gallery))) == (None, 0, FACES)


def test_a_photo_that_is_indexed_in_the_meantime_is_described_too(
    gallery: Gallery, tmp_path: Path
) -> None:
    migrated = gallery.migrate("staff", "accurate", listener=Listener(gallery, tmp_path))
    assert (migrated.described, migrated.status.ready) == (FACES + 1, FACES + 1)


def test_a_rollback_serves_the_earlier_version_of_new_faces_too(
    gallery: Gallery, tmp_path: Path
) -> None:
    gallery.migrate("staff", "accurate")
    index(gallery, tmp_path, 100)
    rolled_back = gallery.roll_back_migration("staff")
    assert (rolled_back.described, rolled_back.removed) == (1, FACES + 1)
    assert (rolled_back.status.state, rolled_back.status.model_version) == (None, "fake-1")


@pytest.mark.parametrize("back", [False, True])
def test_faces_without_a_photo_are_only_deleted_where_that_is_asked_for(
    gallery: Gallery, tmp_path: Path, *, back: bool
) -> None:
    if back:
        gallery.migrate("staff", "accurate")
        (lost,) = gallery.index("staff", fake_photo(fake_face("sent"))).faces
    else:
        lost = next(
            face
            for face in gallery.list_faces("staff").faces
            if face.record.source.endswith("/0.photo")
        )
        (tmp_path / "0.photo").unlink()
    listener = Listener()

    def move(*, drop_missing: bool) -> tuple[MissingFace, ...]:
        if back:
            moved = gallery.roll_back_migration(
                "staff", drop_missing=drop_missing, listener=listener
            )
        else:
            moved = gallery.migrate(
                "staff", "accurate", drop_missing=drop_missing, listener=listener
            )
        return moved.missing

    with pytest.raises(MigrationError, match="1 face of collection 'staff' cannot be described"):
        move(drop_missing=False)
    assert lost.record.face_id in ids(gallery)
    assert (len(listener.missing), listener.dropped) == (1, [])
    assert [face.face_id for face in move(drop_missing=True)] == [lost.record.face_id]
    assert [face.face_id for face in listener.dropped] == [lost.record.face_id]
    assert lost.record.face_id not in ids(gallery)


def test_not_most_faces_of_a_collection_are_deleted_as_if_their_disk_is_not_mounted(
    gallery: Gallery, tmp_path: Path
) -> None:
    for number in range(4):
        (tmp_path / f"{number}.photo").unlink()
    with pytest.raises(MigrationError, match="more than the 50 % of 6 that may be") as caught:
        gallery.migrate("staff", "accurate", drop_missing=True)
    assert caught.value.remedy is MigrationRemedy.CHECK
    assert len(ids(gallery)) == FACES
    with pytest.raises(InvalidInputError, match="0 to 100 %"):
        gallery.migrate("staff", "accurate", drop_missing=True, drop_limit_percentage=101)
    gallery.migrate("staff", "accurate", drop_missing=True, drop_limit_percentage=70)
    assert len(ids(gallery)) == FACES - 4


def test_a_listener_that_raises_an_error_keeps_the_faces(gallery: Gallery, tmp_path: Path) -> None:
    class Refusing(Listener):
        def on_drop(self, missing: Sequence[MissingFace]) -> None:
            raise KeyboardInterrupt

    (tmp_path / "0.photo").unlink()
    with pytest.raises(KeyboardInterrupt):
        gallery.migrate("staff", "accurate", drop_missing=True, listener=Refusing())
    assert len(ids(gallery)) == FACES
    assert gallery.migration_status("staff").state is MigrationState.PREPARING


def test_a_collection_does_not_migrate_back_but_is_rolled_back(gallery: Gallery) -> None:
    gallery.migrate("staff", "accurate")
    with pytest.raises(MigrationError, match="was switched from the recipe 'fast'") as caught:
        gallery.migrate("staff", "fast")
    assert "cancel" in (caught.value.hint or "")
    assert "--rollback" in (hint_of(caught.value, on_stack=False) or "")


def test_the_command_line_names_the_steps_of_a_migration_by_its_options() -> None:
    for remedy in MigrationRemedy:
        steps = ("cancel", "finish", "limit", "prepare", "switch", "delete")
        assert (remedy in MIGRATION_HINTS) == any(step in remedy for step in steps)
