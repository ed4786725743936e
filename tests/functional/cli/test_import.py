"""A collection imported from another server, with this server's own protocol as the source."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from click.testing import CliRunner, Result

import facerec.factory.engines
from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.cli.main import main
from facerec.core.erasures import SubjectKind
from facerec.core.schemas import violation
from facerec.gallery.photos import PhotoLocation
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_embedding, fake_face, fake_photo
from tests.support.api import rekognition_client
from tests.support.gallery import Collaborators
from tests.support.moments import every_nth
from tests.support.server import running

ROOT = Path(__file__).resolve().parents[3]

PROGRAM = """
import signal
import facerec.factory.engines
from facerec.testing.engine import FakeEngine

# A shell starts what it runs in the background with this signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
facerec.factory.engines.open_local_engine = lambda *_: FakeEngine()
from facerec.cli.main import main

main()
"""
"""The command line with the fake engine, as a process that can be killed."""

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "any",
    "AWS_SECRET_ACCESS_KEY": "any",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


def run(*words: str) -> Result:
    """Run the command line with the fake engine to its end, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facerec.factory.engines, "open_local_engine", lambda *_: FakeEngine())
        return CliRunner(env=ENVIRONMENT).invoke(main, list(words))


def start(
    *words: str,
    program: str = PROGRAM,
    **settings: Any,  # noqa: ANN401 - of Popen
) -> subprocess.Popen[str]:
    """Start the same as a process of its own."""
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, *words]
    return subprocess.Popen(command, env=environment, text=True, **settings)


KILLED_PROGRAM = """
import os
import signal
import sys
from contextlib import contextmanager

import facerec.cli.importing
import facerec.imports.importing
import facerec.imports.rekognition
import facerec.factory.engines
from facerec.storage.sqlite.database import Database
from facerec.testing.engine import FakeEngine

facerec.factory.engines.open_local_engine = lambda *_: FakeEngine()
from facerec.cli.main import main

kill_after, commits = 0, 0

def dying(method):
    @contextmanager
    def wrapper(self):
        global commits
        joined = getattr(self._joined, "connection", None) is not None
        with method(self) as value:
            yield value
        if not joined:
            commits += 1
            if commits == kill_after:
                os.kill(os.getpid(), signal.SIGKILL)
    return wrapper

Database.writing, Database.transaction = dying(Database.writing), dying(Database.transaction)

for line in sys.stdin:
    number, folder = line.split()
    if os.fork() == 0:
        kill_after = int(number)
        sys.stdout = open(folder + ".json", "w")
        sys.argv += ["--data", folder]
        main()
        os._exit(0)
    _, status = os.wait()
    print(os.waitstatus_to_exitcode(status), flush=True)
"""
"""Reads lines of a number and a data folder, and imports into the folder, killed after as many
commits. The imports are forks of a process that has loaded everything."""


class Source:
    """A collection ``staff`` on a server, and the folder of its photos."""

    def __init__(self, collaborators: Collaborators, photos: Path, address: str) -> None:
        self.collaborators = collaborators
        self.gallery = collaborators.gallery()
        self.photos = photos
        self.address = address
        self.gallery.create_collection("staff")

    def index(self, name: str, *people: str) -> list[str]:
        """Write a photo of some people, and index it; return the ids of the faces."""
        photo = fake_photo(
            *(fake_face(person, left=0.1 + 0.3 * place) for place, person in enumerate(people)),
            note=name,
        )
        (self.photos / f"{name}.jpg").write_bytes(photo)
        indexed = self.gallery.index("staff", photo, external_image_id=name)
        return [face.record.face_id for face in indexed.faces]

    def words(self, data: Path, *words: str) -> list[str]:
        """Return the words of the command that imports the collection."""
        command = ["import", "rekognition", "--json"]
        command += ["--endpoint-url", self.address, "--from-collection", "staff"]
        command += ["--collection", "copy", "--data", str(data), *words]
        if "--manifest" not in words:
            command += ["--photo-template", f"{self.photos}/{{external_image_id}}.jpg"]
        return command

    def run(self, data: Path, *words: str) -> dict[str, Any]:
        """Import the collection, and return the report."""
        ended = run(*self.words(data, *words))
        assert ended.exit_code in (0, 7), ended.output
        report: dict[str, Any] = json.loads(ended.stdout)
        assert violation("import-report", report) is None
        assert report["complete"]
        # 7 if no face came through that should have
        reasons = {each["reason"] for each in report["unmatched"]}
        nothing = report["imported"] == report["present"] == 0
        assert (ended.exit_code == 7) == bool(nothing and reasons - {"DELETED", "ALREADY_INDEXED"})
        return report


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    photos = tmp_path / "photos"
    photos.mkdir()
    with SqliteStore(tmp_path / "source.db") as store:
        collaborators = Collaborators(store, store)
        app = create_app(collaborators.gallery(), AppSettings(OpenGuard()))
        with running(app) as address:
            yield Source(collaborators, photos, address)


def serve(data: Path) -> Any:  # noqa: ANN401 - a context manager
    """Serve the collections of a data folder."""
    store = SqliteStore(data / "facerec.db")
    gallery = Collaborators(store, store).gallery()
    return running(create_app(gallery, AppSettings(OpenGuard())))


def users_of(client: BaseClient, collection: str) -> dict[str, str | None]:
    pages = client.get_paginator("list_faces").paginate(CollectionId=collection)
    return {face["FaceId"]: face.get("UserId") for page in pages for face in page["Faces"]}


def stored(data: Path) -> int:
    path = data / "facerec.db"
    if not path.exists():
        return 0
    with SqliteStore(path) as store:
        return store.count_faces("copy")


@pytest.mark.long
def test_an_import_that_was_killed_twice_is_complete(source: Source, tmp_path: Path) -> None:
    people = [f"person-{number}" for number in range(1000)]
    ids = {person: source.index(person, person)[0] for person in people[:900]}
    for place in range(900, 1000, 2):
        pair = people[place : place + 2]
        ids |= dict(zip(pair, source.index("_".join(pair), *pair), strict=True))
    for number in range(50):
        user = f"user-{number}"
        source.gallery.create_user("staff", user)
        if number < 45:
            members = [ids[person] for person in people[number * 4 : number * 4 + 4]]
            source.gallery.associate_faces("staff", user, members, min_similarity=0.0)
    data = tmp_path / "data"
    for faces in (150, 550):
        process = start(*source.words(data), start_new_session=True)
        deadline = time.monotonic() + 120
        while stored(data) < faces:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert 550 <= stored(data) < 1000
    report = source.run(data)
    assert (report["faces"], report["people"], report["unmatched"]) == (1000, 50, [])
    assert report["present"] >= 550
    assert report["imported"] + report["present"] == 1000
    with serve(data) as address:
        old, new = rekognition_client(source.address), rekognition_client(address)
        assert users_of(new, "copy") == users_of(old, "staff")
        assert [user["UserId"] for user in new.list_users(CollectionId="copy")["Users"]] == [
            user["UserId"] for user in old.list_users(CollectionId="staff")["Users"]
        ]
        for person in (people[0], people[950], people[951]):
            probe = fake_photo(fake_face(person, away=0.1, shot=7))
            (found,) = new.search_faces_by_image(CollectionId="copy", Image={"Bytes": probe})[
                "FaceMatches"
            ]
            assert found["Face"]["FaceId"] == ids[person]
        face_id = ids[people[950]]
        assert new.search_faces(CollectionId="copy", FaceId=face_id)["FaceMatches"] == []
        listed = new.list_faces(CollectionId="copy", FaceIds=[face_id])["Faces"]
        expected = old.list_faces(CollectionId="staff", FaceIds=[face_id])["Faces"]
        assert listed == expected
        deleted = new.delete_faces(CollectionId="copy", FaceIds=[face_id, ids[people[0]]])
        assert deleted["DeletedFaces"] == [face_id]
        assert deleted["UnsuccessfulFaceDeletions"][0]["UserId"] == "user-0"


def test_an_import_that_was_killed_after_any_commit_is_completed(
    source: Source, tmp_path: Path
) -> None:
    """No face is lost or doubled, and no association, wherever the kill falls."""
    ids = [*source.index("pair", "ann", "bob"), *source.index("cid", "cid")]
    ids += source.index("ann-again", "ann")
    for user, members in (("ann", [ids[0], ids[3]]), ("bob", [ids[1]]), ("nobody", [])):
        source.gallery.create_user("staff", user, name=user.title())
        if members:
            source.gallery.associate_faces("staff", user, members, min_similarity=0.0)
    words = source.words(tmp_path)
    del words[words.index("--data") : words.index("--data") + 2]
    forks = start(*words, program=KILLED_PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(folder: Path, kill_after: int = 0) -> int:
        assert forks.stdin
        assert forks.stdout
        forks.stdin.write(f"{kill_after} {folder}\n")
        forks.stdin.flush()
        return int(forks.stdout.readline())

    def state_of(folder: Path) -> object:
        with SqliteStore(folder / "facerec.db") as store:
            faces = {face.record.face_id: face for face in store.get_faces("copy", ids)}
            people = [(user.user_id, sorted(user.face_ids)) for user in store.list_users("copy")]
            return sorted(faces), store.count_faces("copy"), people

    assert run(tmp_path / "whole") == 0
    expected = state_of(tmp_path / "whole")
    assert expected == (
        sorted(ids),
        4,
        [("ann", sorted([ids[0], ids[3]])), ("bob", [ids[1]]), ("nobody", [])],
    )
    partial = set()
    for kill_after in (1 + number for number in every_nth("import", 4)):
        folder = tmp_path / f"killed-{kill_after}"
        ended = run(folder, kill_after)
        assert ended in (0, -signal.SIGKILL)
        if ended == 0:
            break
        partial.add(stored(folder))
        assert run(folder) == 0
        assert state_of(folder) == expected
        report = json.loads((tmp_path / f"killed-{kill_after}.json").read_text())
        assert report["imported"] + report["present"] == 4
    forks.stdin.close()  # type: ignore[union-attr]
    assert forks.wait() == 0
    # the kills fell before, between and after the photos
    assert {0, 4} < partial


def test_the_report_names_every_face_that_could_not_be_imported(
    source: Source, tmp_path: Path
) -> None:
    faces = {name: source.index(name, name)[0] for name in ("ann", "bob", "cid", "dan", "eve")}
    (source.photos / "bob.jpg").unlink()
    (source.photos / "cid.jpg").write_bytes(b"no photo")
    (source.photos / "dan.jpg").write_bytes(fake_photo(fake_face("dan", left=0.7)))
    lines = [
        json.dumps({"external_image_id": name, "photo": str(source.photos / f"{name}.jpg")})
        for name in ("ann", "bob", "cid", "dan")
    ]
    manifest = tmp_path / "photos.jsonl"
    manifest.write_text("\n".join(lines))
    saved = tmp_path / "report.json"
    report = source.run(tmp_path / "data", "--manifest", str(manifest), "--report", str(saved))
    assert report["imported"] == 1
    assert {each["face_id"]: each["reason"] for each in report["unmatched"]} == {
        faces["bob"]: "PHOTO_NOT_FOUND",
        faces["cid"]: "PHOTO_UNREADABLE",
        faces["dan"]: "NO_FACE_AT_ITS_PLACE",
        faces["eve"]: "NO_PHOTO_NAMED",
    }
    assert json.loads(saved.read_text()) == report
    # what was missing can be supplied later
    (source.photos / "bob.jpg").write_bytes(fake_photo(fake_face("bob")))
    report = source.run(tmp_path / "data", "--manifest", str(manifest))
    assert (report["imported"], report["present"]) == (1, 1)


def test_several_photos_of_one_name_are_each_found(source: Source, tmp_path: Path) -> None:
    lines = []
    for number in range(3):
        photo = fake_photo(fake_face("ann", shot=number, left=0.1 + 0.3 * number))
        path = source.photos / f"{number}.jpg"
        path.write_bytes(photo)
        source.gallery.index("staff", photo, external_image_id="ann")
        lines.append(json.dumps({"external_image_id": "ann", "photo": str(path)}))
    manifest = tmp_path / "photos.jsonl"
    manifest.write_text("\n".join(reversed(lines)))
    report = source.run(tmp_path / "data", "--manifest", str(manifest))
    assert (report["imported"], report["unmatched"]) == (3, [])


def similar_portraits(source: Source, lefts: dict[str, float]) -> list[str]:
    """Index overlapping portraits of different people under one name; return manifest lines."""
    lines = []
    for person, left in lefts.items():
        photo = fake_photo(fake_face(person, left=left))
        path = source.photos / f"{person}.jpg"
        path.write_bytes(photo)
        source.gallery.index("staff", photo, external_image_id="team")
        lines.append(json.dumps({"external_image_id": "team", "photo": str(path)}) + "\n")
    return lines


def assert_the_same_people(source: Source, data: Path) -> None:
    """Assert that the imported faces are of the people whose ids they have."""
    faces = source.gallery.list_faces("staff").faces
    with SqliteStore(data / "facerec.db") as store:
        copies = store.get_faces("copy", [face.record.face_id for face in faces])
        for copy in copies:
            (face,) = source.collaborators.faces.get_faces("staff", [copy.record.face_id])
            assert abs(copy.embedding - face.embedding).max() < 0.01


@pytest.mark.parametrize("step", [1, -1])
def test_each_face_is_taken_from_the_photo_that_it_fits_best(
    source: Source, tmp_path: Path, step: int
) -> None:
    lefts = {f"person-{number}": 0.1 + 0.05 * number for number in range(6)}
    lines = similar_portraits(source, lefts)
    manifest = tmp_path / "photos.jsonl"
    # the right photo of some is supplied later, and nobody takes its place
    for chosen in (lines[::2], lines[::step], lines):
        manifest.write_text("".join(chosen))
        report = source.run(tmp_path / "data", "--manifest", str(manifest))
        assert_the_same_people(source, tmp_path / "data")
        assert report["imported"] + report["present"] == len(chosen)
    assert (report["present"], report["unmatched"]) == (6, [])


def test_a_photo_is_not_guessed_if_two_fit_equally(source: Source, tmp_path: Path) -> None:
    lines = similar_portraits(source, {"ann": 0.1, "bob": 0.105, "cid": 0.6})
    manifest = tmp_path / "photos.jsonl"
    manifest.write_text("".join(lines))
    report = source.run(tmp_path / "data", "--manifest", str(manifest))
    assert report["imported"] == 1
    assert [each["reason"] for each in report["unmatched"]] == ["AMBIGUOUS", "AMBIGUOUS"]
    assert_the_same_people(source, tmp_path / "data")


def test_a_photo_of_two_images_is_that_of_the_one_it_fits(source: Source, tmp_path: Path) -> None:
    similar_portraits(source, {"ann": 0.1, "bob": 0.15})
    (source.photos / "ann.jpg").rename(source.photos / "team.jpg")
    report = source.run(tmp_path / "data")
    assert report["imported"] == 1
    assert [each["reason"] for each in report["unmatched"]] == ["NO_FACE_AT_ITS_PLACE"]
    assert_the_same_people(source, tmp_path / "data")


def test_a_photo_that_was_indexed_under_two_names_is_imported_under_both(
    source: Source, tmp_path: Path
) -> None:
    source.index("badge", "ann", "bob")
    photo = (source.photos / "badge.jpg").read_bytes()
    (source.photos / "portrait.jpg").write_bytes(photo)
    source.gallery.index("staff", photo, external_image_id="portrait")
    data = tmp_path / "data"
    report = source.run(data)
    assert (report["imported"], report["unmatched"]) == (4, [])
    # both names may have the same address
    report = source.run(tmp_path / "other", "--photo-template", f"{source.photos}/badge.jpg")
    assert (report["imported"], report["unmatched"]) == (4, [])


def test_a_photo_is_imported_under_the_name_whose_file_exists(
    source: Source, tmp_path: Path
) -> None:
    source.index("badge", "ann")
    photo = (source.photos / "badge.jpg").read_bytes()
    (source.photos / "badge.jpg").rename(source.photos / "portrait.jpg")
    source.gallery.index("staff", photo, external_image_id="portrait")
    report = source.run(tmp_path / "data")
    assert report["imported"] == 1
    assert [(each["external_image_id"], each["reason"]) for each in report["unmatched"]] == [
        ("badge", "PHOTO_NOT_FOUND")
    ]


def test_imported_photos_can_be_indexed_again(source: Source, tmp_path: Path) -> None:
    ids = source.index("pair", "ann", "bob")
    data = tmp_path / "data"
    source.run(data)
    with serve(data) as address:
        client = rekognition_client(address)
        photo = {"Bytes": (source.photos / "pair.jpg").read_bytes()}
        indexed = client.index_faces(CollectionId="copy", Image=photo, ExternalImageId="pair")
        assert [face["Face"]["FaceId"] for face in indexed["FaceRecords"]] == ids
        assert sorted(users_of(client, "copy")) == sorted(ids)


def test_a_face_that_was_indexed_before_is_reported(source: Source, tmp_path: Path) -> None:
    (face_id,) = source.index("ann", "ann")
    data = tmp_path / "data"
    data.mkdir()
    with serve(data) as address:
        client = rekognition_client(address)
        client.create_collection(CollectionId="copy")
        photo = {"Bytes": (source.photos / "ann.jpg").read_bytes()}
        client.index_faces(CollectionId="copy", Image=photo, ExternalImageId="ann")
    report = source.run(data)
    (unmatched,) = report["unmatched"]
    assert (unmatched["face_id"], unmatched["reason"]) == (face_id, "ALREADY_INDEXED")


def test_what_was_deleted_is_not_imported_again(source: Source, tmp_path: Path) -> None:
    ids = {name: source.index(name, name)[0] for name in ("ann", "bob", "cid")}
    for name, face_id in ids.items():
        source.gallery.create_user("staff", name)
        source.gallery.associate_faces("staff", name, [face_id], min_similarity=0.0)
    source.run(tmp_path / "data")
    with SqliteStore(tmp_path / "data" / "facerec.db") as store:
        gallery = Collaborators(store, store).gallery()
        gallery.disassociate_faces("copy", "ann", [ids["ann"]])
        gallery.delete_faces("copy", [ids["ann"]])
        gallery.erase("copy", SubjectKind.USER, "bob")
    report = source.run(tmp_path / "data")
    assert {each["face_id"]: each["reason"] for each in report["unmatched"]} == {
        ids["ann"]: "DELETED",
        ids["bob"]: "DELETED",
    }
    with SqliteStore(tmp_path / "data" / "facerec.db") as store:
        assert store.count_faces("copy") == 1
        assert "bob" not in {user.user_id for user in store.list_users("copy")}
    report = source.run(tmp_path / "data", "--restore-deleted")
    assert (report["imported"], report["present"], report["unmatched"]) == (2, 1, [])
    # they are not deleted any more
    report = source.run(tmp_path / "data")
    assert (report["present"], report["unmatched"]) == (3, [])
    with SqliteStore(tmp_path / "data" / "facerec.db") as store:
        assert {user.user_id for user in store.list_users("copy")} == set(ids)


def test_an_erased_person_stays_erased_when_the_photos_are_gone_too(
    source: Source, tmp_path: Path
) -> None:
    ids = {name: source.index(name, name)[0] for name in ("ann", "bob")}
    for name, face_id in ids.items():
        source.gallery.create_user("staff", name)
        source.gallery.associate_faces("staff", name, [face_id], min_similarity=0.0)
    source.gallery.create_user("staff", "without-faces")
    data = tmp_path / "data"
    source.run(data)
    with SqliteStore(data / "facerec.db") as store:
        for person in ("bob", "without-faces"):
            Collaborators(store, store).gallery().erase("copy", SubjectKind.USER, person)
    (source.photos / "bob.jpg").unlink()
    manifest = tmp_path / "photos.jsonl"
    manifest.write_text(
        json.dumps({"external_image_id": "ann", "photo": f"{source.photos}/ann.jpg"})
    )
    for rules in ((), ("--manifest", str(manifest))):
        report = source.run(data, *rules)
        assert [(each["face_id"], each["reason"]) for each in report["unmatched"]] == [
            (ids["bob"], "DELETED")
        ]
        with SqliteStore(data / "facerec.db") as store:
            assert [user.user_id for user in store.list_users("copy")] == ["ann"]


@pytest.mark.parametrize("subject", [SubjectKind.PHOTO, SubjectKind.EXTERNAL_ID])
def test_an_erased_photo_is_not_imported_again(
    source: Source, tmp_path: Path, subject: SubjectKind
) -> None:
    """Also not a face that was found in it nowhere before."""
    source.index("pair", "ann", "bob")
    path = source.photos / "pair.jpg"
    data = tmp_path / "data"
    data.mkdir()
    with SqliteStore(data / "facerec.db") as store:
        gallery = Collaborators(store, store).gallery()
        gallery.create_collection("copy")
        small = gallery.defaults.index_options(max_faces=1)
        gallery.index("copy", PhotoLocation(str(path)), external_image_id="pair", options=small)
        gallery.erase("copy", subject, str(path) if subject is SubjectKind.PHOTO else "pair")
    report = source.run(data)
    assert [each["reason"] for each in report["unmatched"]] == ["DELETED", "DELETED"]
    assert stored(data) == 0
    assert source.run(data, "--restore-deleted")["imported"] == 2
    assert source.run(data)["present"] == 2


def test_an_import_that_ends_early_leaves_its_report(source: Source, tmp_path: Path) -> None:
    for number in range(200):
        source.index(f"person-{number}", f"person-{number}")
    saved = tmp_path / "report.json"
    running = start(
        *source.words(tmp_path / "data", "--report", str(saved)), stderr=subprocess.PIPE
    )
    while stored(tmp_path / "data") < 20:
        assert running.poll() is None
        time.sleep(0.01)
    # it is there from the start
    assert violation("import-report", json.loads(saved.read_text())) is None
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate()
    assert running.returncode == 130
    assert "lists the outcome for the faces so far" in errors
    report = json.loads(saved.read_text())
    assert violation("import-report", report) is None
    assert not report["complete"]
    assert 20 <= report["imported"] < 200


def test_a_report_that_cannot_be_written_is_refused_before_any_work(
    source: Source, tmp_path: Path
) -> None:
    source.index("ann", "ann")
    saved = tmp_path / "none" / "report.json"
    ended = run(*source.words(tmp_path / "data", "--report", str(saved)))
    assert ended.exit_code == 4
    assert f"{saved.parent} is not a folder" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_another_person_of_the_same_id_gets_no_faces(source: Source, tmp_path: Path) -> None:
    (face_id,) = source.index("ann", "ann")
    source.gallery.create_user("staff", "ann")
    source.gallery.associate_faces("staff", "ann", [face_id], min_similarity=0.0)
    data = tmp_path / "data"
    data.mkdir()
    with SqliteStore(data / "facerec.db") as store:
        gallery = Collaborators(store, store).gallery()
        gallery.create_collection("copy")
        indexed = gallery.index("copy", fake_photo(fake_face("other ann")))
        own = [face.record.face_id for face in indexed.faces]
        gallery.create_user("copy", "ann")
        gallery.associate_faces("copy", "ann", own, min_similarity=0.0)
    for _ in range(2):
        report = source.run(data)
        (unmatched,) = report["unmatched"]
        assert (unmatched["face_id"], unmatched["reason"]) == (face_id, "PERSON_EXISTS")
    with SqliteStore(data / "facerec.db") as store:
        assert list(store.list_users("copy")[0].face_ids) == own


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--photo-template", "photos/{name}.jpg"], 4, "{external_image_id}"),
        (["--photo-template", "photos/{face_id!z}"], 4, "{external_image_id}"),
        (["--photo-template", "photos/{face_id:>99999999999}"], 4, "{external_image_id}"),
        (["--photo-template", "{face_id}", "--endpoint-url", "nonsense"], 4, "check AWS_REGION"),
        (["--photo-template", "photos/ann.jpg"], 4, "{external_image_id}"),
        ([], 2, "specify either --photo-template or --manifest"),
    ],
)
def test_a_wrong_rule_is_explained(
    words: list[str], code: int, sentence: str, tmp_path: Path
) -> None:
    command = ("import", "rekognition", "--collection", "copy", "--data", str(tmp_path))
    ended = run(*command, *words)
    assert ended.exit_code == code
    assert sentence in ended.stderr


def test_a_collection_that_does_not_exist_is_named(source: Source, tmp_path: Path) -> None:
    ended = run(*source.words(tmp_path / "data", "--from-collection", "none"))
    assert ended.exit_code == 3
    assert "none" in ended.stderr


def test_encodings_of_face_recognition_are_imported(tmp_path: Path) -> None:
    encodings = tmp_path / "encodings.pickle"
    names = ["Ann Smith", "李雷 1", "王芳 1", "Müller", "Muller", "名前"]
    document = {name: fake_embedding("ann" if name == "Ann Smith" else name) for name in names}
    encodings.write_bytes(pickle.dumps(document))
    words = ["import", "face-recognition", str(encodings), "--collection", "staff", "--json"]
    answers = []
    for _ in range(2):
        ended = run(*words, "--data", str(tmp_path / "data"))
        assert ended.exit_code == 0, ended.output
        answers.append(json.loads(ended.stdout))
    assert answers[0] == answers[1]
    with serve(tmp_path / "data") as address:
        probe = fake_photo(fake_face("ann", away=0.1, shot=7))
        (found,) = rekognition_client(address).search_faces_by_image(
            CollectionId="staff", Image={"Bytes": probe}
        )["FaceMatches"]
    assert found["Face"]["FaceId"] == answers[0]["face_ids"][0]
    with SqliteStore(tmp_path / "data" / "facerec.db") as store:
        people = store.list_users("staff")
    assert sorted(str(user.name) for user in people) == sorted(names)
    assert [len(user.face_ids) for user in people] == [1] * len(names)
    (ann,) = [user for user in people if user.name == "Ann Smith"]
    assert found["Face"]["ExternalImageId"] == ann.user_id


def test_encodings_that_were_deleted_stay_so(tmp_path: Path) -> None:
    encodings = tmp_path / "encodings.pickle"
    encodings.write_bytes(pickle.dumps({name: fake_embedding(name) for name in ("ann", "bob")}))
    words = ["import", "face-recognition", str(encodings), "--collection", "staff", "--json"]

    def imported(*more: str) -> Any:  # noqa: ANN401 - JSON
        ended = run(*words, "--data", str(tmp_path / "data"), *more)
        assert ended.exit_code == 0, ended.output
        return json.loads(ended.stdout)

    (ann, bob) = imported()["face_ids"]
    with SqliteStore(tmp_path / "data" / "facerec.db") as store:
        gallery = Collaborators(store, store).gallery()
        gallery.erase("staff", SubjectKind.USER, "ann")
    again = imported()
    assert (again["face_ids"], again["deleted"], again["people"]) == ([bob], [ann], 1)
    with SqliteStore(tmp_path / "data" / "facerec.db") as store:
        assert [user.user_id for user in store.list_users("staff")] == ["bob"]
    assert imported("--restore-deleted")["face_ids"] == [ann, bob]
    assert imported()["face_ids"] == [ann, bob]


def test_a_hostile_pickle_is_refused_in_one_line(tmp_path: Path) -> None:
    encodings = tmp_path / "encodings.pickle"
    encodings.write_bytes(f"cpathlib\nPath.touch\n(S'{tmp_path}/victim'\ntR.".encode())
    words = ["import", "face-recognition", str(encodings), "--collection", "staff"]
    ended = run(*words, "--data", str(tmp_path / "data"))
    assert ended.exit_code == 4
    (error, hint) = ended.stderr.splitlines()
    assert "is refused: it contains pathlib" in error
    assert hint.startswith("hint: ")
    assert not (tmp_path / "victim").exists()
