"""People imported from a server that answers as CompreFace's documentation says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

import facerec.factory.engines
from facerec.cli.main import main
from facerec.core.erasures import SubjectKind
from facerec.core.schemas import violation
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.gallery import Collaborators

KEY = "the key"


class Compreface(ThreadingHTTPServer):
    """A CompreFace server with some saved photos.

    Attributes:
        subjects: Names of its people.
        examples: Image ids, subjects and photos, in order.
        asked: Image ids of the photos that were downloaded.
        fails_for: Image ids of the photos for which it fails.
        total_pages: What it says about the number of pages; None for the truth.
        repeats: Whether every page is the first one.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.subjects: list[str] = []
        self.examples: list[tuple[str, str, bytes]] = []
        self.asked: list[str] = []
        self.fails_for: set[str] = set()
        self.total_pages: object = None
        self.repeats = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, subject: str, photo: bytes) -> str:
        """Save a photo of somebody; return its image id."""
        if subject not in self.subjects:
            self.subjects.append(subject)
        image_id = str(UUID(int=len(self.examples) + 1))
        self.examples.append((image_id, subject, photo))
        return image_id


class Handler(BaseHTTPRequestHandler):
    server: Compreface

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        path = address.path.removeprefix("/api/v1/recognition/").split("/")
        if self.headers["x-api-key"] != KEY:
            self._answer(401, b'{"message": "Unauthorized"}')
        elif path == ["subjects"]:
            self._json({"subjects": self.server.subjects})
        elif path == ["faces"]:
            query = parse_qs(address.query)
            # pages are smaller than was asked for, so that there are several
            number, size = int(query["page"][0]), min(2, int(query["size"][0]))
            number = 0 if self.server.repeats else number
            page = self.server.examples[number * size : (number + 1) * size]
            total = len(self.server.examples)
            self._json(
                {
                    "faces": [{"image_id": each[0], "subject": each[1]} for each in page],
                    "page_number": number,
                    "page_size": size,
                    "total_pages": self.server.total_pages or -(-total // size),
                    "total_elements": total,
                }
            )
        elif path[0] == "faces" and path[2] == "img":
            self.server.asked.append(path[1])
            if path[1] in self.server.fails_for:
                self._answer(500, b"")
            else:
                photos = {image_id: photo for image_id, _, photo in self.server.examples}
                # "Empty bytes if image not found"
                self._answer(200, photos.get(path[1], b""))
        else:
            self._answer(404, b"")

    def _json(self, document: dict[str, Any]) -> None:
        self._answer(200, json.dumps(document).encode())

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[Compreface]:
    monkeypatch.setattr(facerec.factory.engines, "open_local_engine", lambda *_: FakeEngine())
    with Compreface() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def import_from(source: Compreface, data: Path, *words: str, key: str = KEY) -> Result:
    command = ["import", "compreface", source.address, "--collection", "staff", "--json", *words]
    return CliRunner().invoke(
        main, [*command, "--data", str(data)], env={"COMPREFACE_API_KEY": key}
    )


def report_of(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    assert violation("import-report", report) is None
    return report


def photo_of(person: str, shot: int = 0) -> bytes:
    return fake_photo(fake_face(person, shot=shot, away=0.1))


def test_people_are_imported_with_their_names_and_photos(
    source: Compreface, tmp_path: Path
) -> None:
    first = source.add("Zoë Müller", photo_of("zoe", 1))
    source.add("Zoë Müller", photo_of("zoe", 2))
    source.add("bob", photo_of("bob"))
    source.add("Bob", photo_of("other bob"))
    source.subjects.append("without photos")
    report = report_of(import_from(source, tmp_path))
    assert (report["faces"], report["people"], report["imported"]) == (4, 4, 4)
    assert report["unmatched"] == []
    with SqliteStore(tmp_path / "facerec.db") as store:
        people = {user.user_id: user for user in store.list_users("staff")}
        assert sorted(len(user.face_ids) for user in people.values()) == [0, 1, 1, 2]
        assert {user.name for user in people.values()} >= {"Zoë Müller", "without photos"}
        zoe = next(user for user in people.values() if user.name == "Zoë Müller")
        ids = [face.record.external_image_id for face in store.get_faces("staff", zoe.face_ids)]
    assert f"{zoe.user_id}:{first}" in ids


def test_what_was_deleted_is_not_imported_again(source: Compreface, tmp_path: Path) -> None:
    ids = [source.add(name, photo_of(name)) for name in ("ann", "bob", "cyd")]
    report_of(import_from(source, tmp_path))
    with SqliteStore(tmp_path / "facerec.db") as store:
        gallery = Collaborators(store, store).gallery()
        (face,) = gallery.describe_user("staff", "ann").face_ids
        gallery.delete_faces("staff", [face], disassociate=True)
        gallery.erase("staff", SubjectKind.USER, "bob")
    report = report_of(import_from(source, tmp_path))
    assert report["present"] == 1
    assert [(each["face_id"], each["reason"]) for each in report["unmatched"]] == [
        (ids[0], "DELETED"),
        (ids[1], "DELETED"),
    ]
    with SqliteStore(tmp_path / "facerec.db") as store:
        assert store.count_faces("staff") == 1
        assert "bob" not in {user.user_id for user in store.list_users("staff")}
    report = report_of(import_from(source, tmp_path, "--restore-deleted"))
    assert (report["imported"], report["unmatched"]) == (2, [])
    assert report_of(import_from(source, tmp_path))["present"] == 3


def test_an_erased_person_stays_erased_when_the_photos_are_gone_too(
    source: Compreface, tmp_path: Path
) -> None:
    for name in ("ann", "Bob B"):
        source.add(name, photo_of(name))
    source.subjects.append("cyd")
    report_of(import_from(source, tmp_path))
    with SqliteStore(tmp_path / "facerec.db") as store:
        gallery = Collaborators(store, store).gallery()
        for person in ("Bob.x20B", "cyd"):
            gallery.erase("staff", SubjectKind.USER, person)
    del source.examples[1]
    report_of(import_from(source, tmp_path))
    with SqliteStore(tmp_path / "facerec.db") as store:
        assert [user.user_id for user in store.list_users("staff")] == ["ann"]
    report_of(import_from(source, tmp_path, "--restore-deleted"))
    with SqliteStore(tmp_path / "facerec.db") as store:
        assert len(list(store.list_users("staff"))) == 3


@pytest.mark.parametrize("pages", [True, 1.5, "1", -1, 10**12])
def test_a_list_without_an_end_is_refused(
    source: Compreface, tmp_path: Path, pages: object
) -> None:
    source.add("ann", photo_of("ann"))
    source.total_pages = pages
    saved = tmp_path / "report.json"
    result = import_from(source, tmp_path, "--report", str(saved))
    if pages == 10**12:
        assert report_of(result)["imported"] == 1
    else:
        assert result.exit_code == 4
        assert "does not respond like a CompreFace server" in result.stderr
        assert not json.loads(saved.read_text())["complete"]


def test_a_server_that_repeats_a_page_is_refused(source: Compreface, tmp_path: Path) -> None:
    source.add("ann", photo_of("ann"))
    source.total_pages, source.repeats = 10**12, True
    assert import_from(source, tmp_path).exit_code == 4


def test_an_import_without_a_face_is_a_failure(source: Compreface, tmp_path: Path) -> None:
    source.add("ann", b"no photo")
    result = import_from(source, tmp_path)
    assert result.exit_code == 7
    assert json.loads(result.stdout)["unmatched"][0]["reason"] == "PHOTO_UNREADABLE"


def test_a_photo_for_which_the_server_fails_is_reported_and_resumed(
    source: Compreface, tmp_path: Path
) -> None:
    ids = [source.add(f"person {number}", photo_of(str(number))) for number in range(5)]
    source.fails_for = {ids[2]}
    report = report_of(import_from(source, tmp_path))
    assert report["imported"] == 4
    assert [(each["face_id"], each["reason"]) for each in report["unmatched"]] == [
        (ids[2], "PHOTO_UNREADABLE")
    ]
    assert source.asked.count(ids[2]) == 3
    source.fails_for = set()
    report = report_of(import_from(source, tmp_path))
    assert (report["present"], report["imported"]) == (4, 1)


@pytest.mark.parametrize("key", ["secret\nkey", "geheimé"])
def test_a_key_that_is_none_is_not_printed(source: Compreface, tmp_path: Path, key: str) -> None:
    result = import_from(source, tmp_path, key=key)
    assert result.exit_code == 4
    assert key[:6] not in result.output + result.stderr


def test_photos_that_cannot_be_imported_are_reported(source: Compreface, tmp_path: Path) -> None:
    source.add("ann", photo_of("ann"))
    ids = [source.add("ann", photo) for photo in (b"", b"no photo", fake_photo())]
    path = tmp_path / "report.json"
    report = report_of(import_from(source, tmp_path, "--report", str(path)))
    assert json.loads(path.read_text()) == report
    assert report["imported"] == 1
    assert [(each["face_id"], each["reason"]) for each in report["unmatched"]] == [
        (ids[0], "PHOTO_NOT_FOUND"),
        (ids[1], "PHOTO_UNREADABLE"),
        (ids[2], "NO_FACE"),
    ]
    assert report["unmatched"][0]["photos"] == [
        f"{source.address}/api/v1/recognition/faces/{ids[0]}/img"
    ]


def test_a_wrong_key_is_one_line_without_the_key(source: Compreface, tmp_path: Path) -> None:
    result = import_from(source, tmp_path, key="wrong-key")
    assert result.exit_code != 0
    assert "rejected the API key" in result.stderr
    assert "wrong-key" not in result.output + result.stderr


@pytest.mark.parametrize(
    "address", ["localhost:8000", "file:///etc/passwd", "http://", "http://[::1"]
)
def test_a_wrong_address_is_named(source: Compreface, tmp_path: Path, address: str) -> None:
    del source
    words = ["import", "compreface", address, "--collection", "staff", "--api-key", KEY]
    result = CliRunner().invoke(main, [*words, "--data", str(tmp_path)])
    assert result.exit_code == 4
    assert "is not the address of a CompreFace server" in result.stderr
