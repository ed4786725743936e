"""Migrations without transactions, at each of whose calls another process works or they are killed.

The fake stores have no lag. Each case begins with copies of the same stores. By default only some
calls are disturbed, others for each test; ``FACEREC_EVERY_CALL=1`` disturbs all of them.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import numpy as np
import pytest
from moto import mock_aws
from numpy.typing import NDArray

from facerec.core.migrations import MigrationState
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces
from facerec.core.records import Collection, new_collection
from facerec.errors import (
    CollectionNotFoundError,
    ConflictError,
    MigrationError,
    StoreUnavailableError,
    UserNotFoundError,
)
from facerec.gallery.gallery import Gallery
from facerec.gallery.receipts import Erasures
from facerec.storage.dynamodb.store import DynamoDBStore
from facerec.storage.faces import people_namespace
from facerec.storage.generations import FacesByGeneration
from facerec.storage.namespaces import faces_namespace, namespace_of, namespaces_of
from facerec.storage.standby_sides import StandbySides
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.fast_reads import FastReads
from tests.support.gallery import Collaborators
from tests.support.interposed import Interposed, KilledError, Turns
from tests.support.long import mostly_long, rarely_short
from tests.support.memory_objects import MemoryObjects
from tests.support.memory_vectors import LateVectors, MemoryVectors
from tests.support.moments import EVERY_CALL, every_nth
from tests.support.stack_template import create_table

ENGINES = {"fast": FakeEngine(), "accurate": FakeEngine("fake-accurate")}
PHOTOS = (("ann", 1), ("ann", 2), ("bob", 1), ("cyd", 1))


class Services:
    """A table and a store of vectors, which no transaction has in common."""

    def __init__(self, folder: Path) -> None:
        client = boto3.client("dynamodb", region_name="eu-west-1")
        create_table(client, "facerec")
        self.client = FastReads(client)
        self.vectors, self.lag = MemoryVectors(), 0.0
        self.sleep: Callable[[float], None] = lambda _: None
        self.objects = MemoryObjects()
        self._started: dict[tuple[Operation, ...], tuple[dict[str, Any], Callable[[], None]]] = {}
        self._empty = self.saved()
        self.folder = folder
        for person, shot in (*PHOTOS, ("eve", 1)):
            self.photo(person, shot).write_bytes(fake_photo(fake_face(person, shot=shot, away=0.1)))

    def photo(self, person: str, shot: int) -> Path:
        return self.folder / f"{person}-{shot}.photo"

    def gallery(self, wrap: Callable[[Any], Any] = lambda service: service) -> Gallery:
        """Return the gallery of a process."""
        records = DynamoDBStore(wrap(self.client), "facerec")
        faces = FacesByGeneration(wrap(self.vectors), records)
        return Collaborators(
            faces,
            records,
            ENGINES["fast"],
            recipes=dict(ENGINES),
            migrations=StandbySides(faces, records, lag=self.lag, sleep=self.sleep),
            erasures=Erasures(self.objects, "erasures/"),
        ).gallery()

    def started(self, before: tuple[Operation, ...]) -> Case:
        """Return a case after some operations, with the stores as they are then."""
        if before not in self._started:
            self._empty()
            case = Case(self, "staff")
            for each in before:
                each(case, case.gallery)
            self._started[before] = (dict(case.photos), self.saved())
        photos, restore = self._started[before]
        restore()
        return Case(self, "staff", photos)

    def saved(self) -> Callable[[], None]:
        """Return a function that gives the stores the content that they have now."""
        items = self.client.saved("facerec")
        vectors = {name: dict(own) for name, own in self.vectors.content.items()}
        objects = dict(self.objects.content)

        def restore() -> None:
            self.client.restore("facerec", items)
            self.vectors.content = {name: dict(own) for name, own in vectors.items()}
            self.objects.content = dict(objects)

        return restore


class Case:
    """A collection with faces and a person, and what is expected of them."""

    def __init__(
        self, services: Services, name: str, photos: dict[str, tuple[str, int]] | None = None
    ) -> None:
        self.services, self.name = services, name
        self.gallery = services.gallery()
        self.deleted: set[str] = set()
        self.photos: dict[str, tuple[str, int]] = dict(photos or {})
        if photos is not None:
            return
        self.gallery.create_collection(name)
        for person, shot in PHOTOS:
            self.index(self.gallery, person, shot)
        self.gallery.create_user(name, "ann")
        self.gallery.associate_faces(name, "ann", self.ids("ann"))

    def index(self, gallery: Gallery, person: str, shot: int) -> None:
        result = gallery.index(
            self.name, self.services.photo(person, shot), external_image_id=f"{person}:{shot}"
        )
        (face,) = result.faces
        self.photos[face.record.face_id] = (person, shot)

    def ids(self, person: str) -> list[str]:
        return [key for key, (owner, _) in self.photos.items() if owner == person]

    def check(self, number: int) -> None:
        """Check all vectors of the collection, whichever side they are on."""
        collection = self.gallery._records.get_collection(self.name)
        sides = self.services.vectors.content
        at = f"call {number}"
        assert set(sides) <= set(namespaces_of(collection)), at
        assert not any(self.deleted & set(own) for own in sides.values()), at
        served = sides.get(faces_namespace(collection), {})
        assert set(served) == set(self.photos), at
        expected = {key: self.embedding(key, collection.model_version) for key in served}
        assert all(np.array_equal(served[key].values, own) for key, own in expected.items()), at
        versions = {each.metadata["model_version"] for each in served.values()}
        assert versions == {collection.model_version}, at
        user = self.gallery._records.get_user(self.name, "ann")
        assert set(user.face_ids) == set(self.ids("ann")), at
        assert user.version == user.vector_version, at
        mean = np.mean([expected[each] for each in user.face_ids], axis=0, dtype=np.float64)
        people = namespace_of(people_namespace(self.name), collection.generation, collection.side)
        (vector,) = sides[people].values()
        assert np.allclose(vector.values, mean, atol=1e-6), at

    def embedding(self, face_id: str, model_version: str) -> NDArray[np.float32]:
        (engine,) = (each for each in ENGINES.values() if each.model_version == model_version)
        content = self.services.photo(*self.photos[face_id]).read_bytes()
        (photo,) = engine.analyse([content], FaceOptions())
        assert isinstance(photo, PhotoFaces)
        return photo.faces[0].embedding


Operation = Callable[[Case, Gallery], object]


def begin(case: Case, gallery: Gallery) -> None:
    gallery.begin_migration(case.name, "accurate")


def describe(case: Case, gallery: Gallery) -> None:
    gallery.prepare_range(case.name, "accurate", after=None, last=None, stop=lambda: False)


def migrate(case: Case, gallery: Gallery) -> None:
    gallery.migrate(case.name, "accurate")


def switch(case: Case, gallery: Gallery) -> None:
    gallery.switch_version(case.name)


def cancel(case: Case, gallery: Gallery) -> None:
    gallery.roll_back_migration(case.name)


def finish(case: Case, gallery: Gallery) -> None:
    gallery.finish_migration(case.name)


def migrate_again(case: Case, gallery: Gallery) -> None:
    """End the migration in any way, and perform two others."""
    for work in (cancel, migrate, cancel, migrate):
        with suppress(MigrationError):
            work(case, gallery)


def resume(case: Case, gallery: Gallery) -> None:
    gallery._require_migrations().end_old_switch(case.name, 1e12)
    gallery._resume_migration(case.name)


def index(case: Case, gallery: Gallery) -> None:
    case.index(gallery, "eve", 1)


def delete_face(case: Case, gallery: Gallery) -> None:
    delete(case, gallery, case.ids("bob")[0])


def delete_face_of_person(case: Case, gallery: Gallery) -> None:
    delete(case, gallery, case.ids("ann")[0])


def delete(case: Case, gallery: Gallery, face_id: str) -> None:
    gallery.delete_faces(case.name, [face_id], disassociate=True)
    case.deleted.add(face_id)
    del case.photos[face_id]


def delete_collection(case: Case, gallery: Gallery) -> None:
    gallery.delete_collection(case.name)


OPERATIONS: dict[str, tuple[tuple[Operation, ...], Operation]] = {
    "begin": ((), begin),
    "describe": ((begin,), describe),
    "switch": ((begin, describe), switch),
    "cancel": ((begin, describe), cancel),
    "roll back": ((migrate,), cancel),
    "finish": ((migrate,), finish),
}
BEFORE: dict[str, tuple[Operation, ...]] = {"prepared": (begin, describe), "switched": (migrate,)}
MIGRATING: tuple[Operation, ...] = (migrate, cancel, finish, migrate_again, resume)
OTHERS: tuple[Operation, ...] = (
    begin,
    migrate,
    cancel,
    finish,
    migrate_again,
    resume,
    index,
    delete_face,
    delete_face_of_person,
    delete_collection,
)


@pytest.fixture(scope="module")
def all_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setattr("facerec.storage.standby_sides._COPIED", 2)
        yield Services(tmp_path_factory.mktemp("photos"))


@pytest.fixture
def services(all_services: Services) -> Services:
    """The stores, without lag; each case gives them its content."""
    all_services.vectors, all_services.lag = MemoryVectors(), 0.0
    return all_services


def cases(
    services: Services, before: tuple[Operation, ...], test: str, every: int
) -> Iterator[tuple[int, Case]]:
    """Yield the numbers of the calls to disturb, each with a new case."""
    for number in every_nth(test, every):
        yield number, services.started(before)


def settle(case: Case, number: int) -> None:
    """Do what the hourly run does, then check, and end the migration in both ways."""
    resume(case, case.gallery)
    case.check(number)
    if case.gallery.migration_status(case.name).state is MigrationState.SWITCHED:
        cancel(case, case.gallery)
        case.check(number)
    if case.gallery.migration_status(case.name).model_version != "fake-accurate":
        migrate(case, case.gallery)
        case.check(number)
        finish(case, case.gallery)
        case.check(number)


@pytest.mark.parametrize("killed", rarely_short(["before", "after", "unanswered"], "unanswered"))
@pytest.mark.parametrize("operation", mostly_long(OPERATIONS, 3))
def test_a_migration_that_is_killed_at_any_call_can_be_completed(
    services: Services, operation: str, killed: str
) -> None:
    before, work = OPERATIONS[operation]
    for number, case in cases(services, before, f"{operation} {killed}", 7):
        interposed = Interposed(number, killed=killed)
        with suppress(KilledError, ConflictError, MigrationError, StoreUnavailableError):
            work(case, services.gallery(interposed.wrap))
        if not interposed.happened:
            break
        settle(case, number)


@pytest.mark.parametrize(
    "other",
    rarely_short(OTHERS, migrate, delete_face_of_person),
    ids=lambda each: each.__name__,
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_whatever_happens_at_any_call_of_a_migration_no_served_face_is_lost(
    services: Services, operation: str, other: Operation
) -> None:
    before, work = OPERATIONS[operation]
    for number, case in cases(services, before, f"{operation} {other.__name__}", 19):
        refused, happened = disturbed(case, number, work, other)
        if not happened:
            break
        if other in (delete_face, delete_face_of_person):
            assert other not in refused, f"call {number}"
        settle_all(case, number, other, refused)


@pytest.mark.parametrize("other", rarely_short(MIGRATING, cancel), ids=lambda each: each.__name__)
@pytest.mark.parametrize("state", BEFORE)
@pytest.mark.parametrize("request_", [index, delete_face, delete_face_of_person, delete_collection])
def test_whatever_a_migration_does_at_any_call_of_a_request_the_request_is_not_lost(
    services: Services, request_: Operation, state: str, other: Operation
) -> None:
    test = f"{request_.__name__} {state} {other.__name__}"
    for number, case in cases(services, BEFORE[state], test, 23):
        refused, happened = disturbed(case, number, request_, other)
        if not happened:
            break
        if request_ is not index:
            assert request_ not in refused, f"call {number}"
        settle_all(case, number, request_, refused)


@pytest.mark.parametrize(
    "request_", rarely_short([delete_face, delete_face_of_person], delete_face_of_person)
)
def test_a_deletion_that_is_shown_late_is_not_undone_by_a_switch(
    services: Services, request_: Operation
) -> None:
    late = LateVectors()
    services.vectors, services.lag, services.sleep = late, 30.0, late.settle
    for number, case in cases(services, (begin, describe), f"late {request_.__name__}", 5):
        refused, happened = disturbed(case, number, switch, request_)
        if not happened:
            break
        assert refused == [], f"call {number}"
        late.settle()
        settle(case, number)


def test_a_switch_of_a_deleted_collection_does_not_switch_another_of_the_same_name(
    services: Services,
) -> None:
    case = services.started((begin, describe))
    records = DynamoDBStore(services.client, "facerec")
    earlier = records.begin_switch("staff", MigrationState.PREPARING)
    delete_collection(case, case.gallery)
    records.create_collection(new_collection("staff", "fake-1", 2.0))
    begin(case, case.gallery)
    later = records.begin_switch("staff", MigrationState.PREPARING)
    assert later.next_side == earlier.next_side
    with pytest.raises(ConflictError):
        records.end_switch(earlier)
    records.abort_switch(earlier)
    assert records.get_collection("staff").next_side == later.next_side
    assert records.end_switch(later).side == later.next_side


@pytest.mark.parametrize("part", mostly_long(range(4), 1))
def test_migrations_and_requests_whose_calls_alternate_lose_no_face(
    services: Services, part: int
) -> None:
    for seed in range(part, 1600 if EVERY_CALL else 24, 4):
        chosen = random.Random(seed)
        case = services.started(chosen.choice([(), *BEFORE.values()]))
        request = chosen.choice([index, delete_face, delete_face_of_person, delete_collection])
        works = [*chosen.choices(MIGRATING, k=2), request]
        refused: list[Operation] = []

        def process(
            operation: Operation, case: Case = case, refused: list[Operation] = refused
        ) -> Callable[[Callable[[Any], Any]], None]:
            return lambda wrap: attempt(case, operation, services.gallery(wrap), refused)

        Turns(seed).run([process(each) for each in works], kills=chosen.choice([0.0, 0.02]))
        if request is not index:
            assert request not in refused, f"seed {seed}"
        settle_all(case, seed, request, refused)


def disturbed(
    case: Case, number: int, work: Operation, other: Operation
) -> tuple[list[Operation], bool]:
    """Let another process do something at a call of an operation.

    Returns:
        Which of the two were refused, and whether there was such a call.
    """
    refused: list[Operation] = []
    interposed = Interposed(number, lambda: attempt(case, other, case.services.gallery(), refused))
    attempt(case, work, case.services.gallery(interposed.wrap), refused)
    return refused, interposed.happened


def attempt(case: Case, operation: Operation, gallery: Gallery, refused: list[Operation]) -> None:
    """Perform an operation, or note that it was refused."""
    try:
        operation(case, gallery)
    except (ConflictError, MigrationError, CollectionNotFoundError):
        refused.append(operation)


def settle_all(case: Case, number: int, request: Operation, refused: list[Operation]) -> None:
    """Repeat a photo that was refused, and settle; or check that nothing is left."""
    if request is delete_collection:
        case.gallery.sweep()
        assert case.services.vectors.content == {}, f"call {number}"
        return
    if request is index and index in refused:
        resume(case, case.gallery)
        index(case, case.gallery)
    settle(case, number)


def test_an_older_copy_of_the_table_lets_no_migration_serve_deleted_faces_again(
    services: Services,
) -> None:
    case = services.started((begin, describe))
    items = services.client.saved("facerec")
    switch(case, case.gallery)
    services.client.restore("facerec", items)
    delete_face(case, case.gallery)
    migrate(case, case.gallery)
    finish(case, case.gallery)
    case.check(0)


@pytest.mark.parametrize(
    ("before", "operation"), [((begin, describe), switch), ((migrate,), cancel)]
)
def test_a_person_who_is_deleted_during_a_switch_does_not_fail_it(
    services: Services, before: tuple[Operation, ...], operation: Operation
) -> None:
    case = services.started(before)
    switching, other = services.gallery(), services.gallery()
    set_vector_version, end_switch = (
        switching._records.set_vector_version,
        switching._records.end_switch,
    )

    def end_late(collection: Collection) -> Collection:
        delete_face_of_person(case, other)
        return end_switch(collection)

    def mark_late(*arguments: Any) -> Any:  # noqa: ANN401 - any result
        with suppress(UserNotFoundError):
            other.delete_user("staff", "ann")
        return set_vector_version(*arguments)

    switching._records.end_switch = end_late
    switching._records.set_vector_version = mark_late
    operation(case, switching)
    served = "fake-accurate" if operation is switch else "fake-1"
    assert other.migration_status("staff").model_version == served
    people = people_namespace("staff").partition("/")[2]
    assert not [
        own for name, own in services.vectors.content.items() if own and name.endswith(f"/{people}")
    ]


def test_a_list_or_an_export_is_whole_whenever_a_migration_ends(
    services: Services, tmp_path: Path
) -> None:
    for number in range(40):
        case = services.started((migrate,))
        disturbed = Interposed(number, lambda case=case: cancel(case, services.gallery()))
        gallery = services.gallery(disturbed.wrap)
        with suppress(ConflictError):
            assert {each.record.face_id for each in gallery.list_faces("staff").faces} == set(
                case.photos
            )
        case = services.started((migrate,))
        disturbed = Interposed(number, lambda case=case: cancel(case, services.gallery()))
        gallery = services.gallery(disturbed.wrap)
        with suppress(ConflictError):
            exported = gallery.export_collection("staff", tmp_path / f"{number}")
            assert exported.faces == len(case.photos), number


READS: dict[str, Callable[[Case, Gallery, Path], set[str]]] = {
    "match": lambda case, gallery, _: {
        match.face.face_id
        for face in gallery.search(case.name, case.services.photo("ann", 1)).faces
        for match in face.matches
    },
    "search": lambda case, gallery, _: {
        case.ids("ann")[0],
        *(each.face.face_id for each in gallery.search_face(case.name, case.ids("ann")[0]).matches),
    },
    "list": lambda case, gallery, _: {
        each.record.face_id for each in gallery.list_faces(case.name).faces
    },
    "export": lambda case, gallery, folder: {
        str(count)
        for count in range(gallery.export_collection(case.name, folder / uuid4().hex).faces)
    },
}


@pytest.mark.parametrize("read", READS)
def test_whatever_is_read_during_a_whole_first_migration_is_whole_or_refused(
    services: Services, tmp_path: Path, read: str
) -> None:
    case = services.started(())
    expected = READS[read](case, case.gallery, tmp_path)
    assert expected
    for number in itertools.count():
        case = services.started(())

        def migrate_once(case: Case = case) -> None:
            migrate(case, services.gallery())
            finish(case, services.gallery())

        disturbed = Interposed(number, migrate_once)
        with suppress(ConflictError):
            found = READS[read](case, services.gallery(disturbed.wrap), tmp_path)
            assert found == expected, f"call {number}"
        if not disturbed.happened:
            break


def test_a_face_that_was_deleted_while_it_was_described_leaves_a_kept_side_within_an_hour(
    services: Services,
) -> None:
    case = services.started((migrate,))
    index(case, case.gallery)
    (eve,) = case.ids("eve")
    add_vectors, killed = services.vectors.add_vectors, Interposed()

    def add_late(namespace: str, groups: Any) -> None:  # noqa: ANN401 - passed on
        delete(case, services.gallery(), eve)
        add_vectors(namespace, groups)
        raise KilledError

    describing = services.gallery(killed.wrap)
    services.vectors.add_vectors = add_late  # type: ignore[method-assign]
    with pytest.raises(KilledError):
        cancel(case, describing)
    services.vectors.add_vectors = add_vectors  # type: ignore[method-assign]
    assert any(eve in own for own in services.vectors.content.values())
    resume(case, services.gallery())
    services.gallery().sweep()
    case.check(0)
