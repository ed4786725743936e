"""People imported from a plain dump of a database with CompreFace's published tables."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

import facerec.factory.engines
import facerec.imports.copy_blocks
from facerec.cli.main import main
from facerec.core.limits import MAX_PHOTO_BYTES
from facerec.core.photos import UnreadableReason
from facerec.core.schemas import violation
from facerec.errors import UnreadablePhotoError
from facerec.imports.compreface_dump import read_dump
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo

KEY = "11111111-0000-0000-0000-000000000001"
OTHER_KEY = "11111111-0000-0000-0000-000000000002"
FACENET = "facenet.Calculator@20180408-102900"


@dataclass
class Database:
    """Writes a dump as pg_dump 11 to 15 do: tables in the order of their names.

    Attributes:
        left: Tables without rows in the dump.
    """

    services: list[tuple[str, str]] = field(default_factory=lambda: [("staff", KEY)])
    subjects: list[tuple[str, str, str]] = field(default_factory=list)
    faces: list[tuple[str, str, str, str]] = field(default_factory=list)
    photos: list[tuple[str, str]] = field(default_factory=list)
    left: frozenset[str] = frozenset()

    def add(
        self, name: str, photo: bytes | str | None, *, key: str = KEY, model: str = FACENET
    ) -> str:
        """Save a photo of somebody, or the text of one; return the id that REST calls image_id."""
        known = {(owner, each): subject_id for subject_id, owner, each in self.subjects}
        subject_id = known.get((key, name))
        if subject_id is None:
            subject_id = str(UUID(int=1000 + len(self.subjects)))
            self.subjects.append((subject_id, key, name))
        face_id = str(UUID(int=2000 + len(self.faces)))
        photo_id = r"\N"
        if photo is not None:
            photo_id = str(UUID(int=3000 + len(self.photos)))
            text = photo if isinstance(photo, str) else r"\\x" + photo.hex()
            self.photos.append((photo_id, text))
        self.faces.append((face_id, subject_id, model, photo_id))
        return face_id

    def text(self) -> str:
        vector = "{" + ",".join(["0.0123456789012345"] * 512) + "}"
        tables: dict[str, Sequence[tuple[str, ...]]] = {
            "embedding (id, subject_id, embedding, calculator, img_id)": [
                (face, subject, vector, model, photo) for face, subject, model, photo in self.faces
            ],
            "img (id, content)": self.photos,
            "model (id, name, type, guid, app_id, api_key, created_date)": [
                ("1", name, "R", key, "0", key, r"\N") for name, key in self.services
            ],
            "subject (id, api_key, subject_name)": self.subjects,
            '"user" (id, first_name)': [("1", "COPY public.img (id, content) FROM stdin;")],
        }
        blocks = "".join(
            f"--\n-- Data for Name: {table}; Type: TABLE DATA; Schema: public\n--\n\n"
            f"COPY public.{table} FROM stdin;\n"
            + "".join("\t".join(row) + "\n" for row in rows)
            + "\\.\n\n\n"
            for table, rows in tables.items()
            if table.split()[0] not in self.left
        )
        return (
            "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n\n"
            f"CREATE TABLE public.img (\n    id uuid NOT NULL,\n    content bytea NOT NULL\n);\n\n"
            f"{blocks}--\n-- PostgreSQL database dump complete\n--\n\n"
        )


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(facerec.factory.engines, "open_local_engine", lambda *_: FakeEngine())
    monkeypatch.delenv("COMPREFACE_API_KEY", raising=False)
    return Database()


def photo_of(person: str, shot: int = 0) -> bytes:
    return fake_photo(fake_face(person, shot=shot, away=0.1))


def import_dump(content: str | bytes, folder: Path, *words: str) -> Result:
    path = folder / "frs.sql"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    command = ["import", "compreface", str(path), "--collection", "staff", *words]
    return CliRunner().invoke(main, [*command, "--data", str(folder / "data")])


def report_of(result: Result, exit_code: int = 0) -> dict[str, Any]:
    assert result.exit_code == exit_code, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    assert violation("import-report", report) is None
    return report


def refusal(result: Result, folder: Path) -> str:
    assert result.exit_code == 4, result.output
    assert not (folder / "data" / "facerec.db").exists()
    return result.stderr


def test_people_are_imported_with_their_names_and_photos(
    database: Database, tmp_path: Path
) -> None:
    first = database.add("Zoë \\\\o/", photo_of("zoe", 1))
    database.add("Zoë \\\\o/", photo_of("zoe", 2))
    database.add("bob", photo_of("bob"), model="insightface.Calculator@arcface_r100_v1")
    database.subjects.append((str(UUID(int=5)), KEY, "without photos"))
    report = report_of(import_dump(database.text(), tmp_path, "--json"))
    assert (report["faces"], report["people"], report["imported"]) == (3, 3, 3)
    assert report["unmatched"] == []
    assert report["source_models"] == {FACENET: 2, "insightface.Calculator@arcface_r100_v1": 1}
    with SqliteStore(tmp_path / "data" / "facerec.db") as store:
        people = {user.name: user for user in store.list_users("staff")}
        assert {"Zoë \\o/", "without photos"} <= people.keys()
        zoe = people["Zoë \\o/"]
        ids = [face.record.external_image_id for face in store.get_faces("staff", zoe.face_ids)]
    assert len(ids) == 2
    assert f"{zoe.user_id}:{first}" in ids


def test_an_import_that_is_run_again_imports_only_what_is_new(
    database: Database, tmp_path: Path
) -> None:
    database.add("ann", photo_of("ann"))
    report_of(import_dump(database.text(), tmp_path, "--json"))
    database.add("ann", photo_of("ann", 2))
    report = report_of(import_dump(database.text(), tmp_path, "--json"))
    assert (report["present"], report["imported"]) == (1, 1)
    assert report_of(import_dump(database.text(), tmp_path, "--json"))["present"] == 2


def test_faces_without_a_readable_photo_are_reported(database: Database, tmp_path: Path) -> None:
    database.add("ann", photo_of("ann"))
    content = [None, r"\\x", b"no photo", r"\\xzz", r"\\x0", "raw text", fake_photo()]
    ids = [database.add("ann", each) for each in content]
    huge = database.add("ann", r"\\x" + "00" * (MAX_PHOTO_BYTES + 1))
    report = report_of(import_dump(database.text(), tmp_path, "--json"))
    assert report["imported"] == 1
    assert [(each["face_id"], each["reason"]) for each in report["unmatched"]] == [
        *zip(ids[:2], ["PHOTO_NOT_FOUND"] * 2, strict=True),
        *zip(ids[2:6], ["PHOTO_UNREADABLE"] * 4, strict=True),
        (ids[6], "NO_FACE"),
        (huge, "PHOTO_UNREADABLE"),
    ]
    assert report["unmatched"][0]["photos"] == [f"frs.sql#embedding={ids[0]}"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (r"\377\330", UnreadableReason.UNSUPPORTED_FORMAT),
        (r"\\xffd8zz", UnreadableReason.CORRUPT),
    ],
)
def test_a_photo_that_is_not_hexadecimal_has_a_reason_that_fits(
    database: Database, tmp_path: Path, text: str, reason: UnreadableReason
) -> None:
    database.add("zoe", text)
    path = tmp_path / "frs.sql"
    path.write_text(database.text())
    dump = read_dump(path)
    (example,) = dump.examples()
    with pytest.raises(UnreadablePhotoError) as caught:
        dump.photo(example)
    assert caught.value.reason == reason


def test_a_dump_without_photos_reports_every_face_and_its_network(
    database: Database, tmp_path: Path
) -> None:
    for name in ("ann", "bob"):
        database.add(name, photo_of(name))
    database.left = frozenset({"img"})
    result = import_dump(database.text(), tmp_path)
    assert result.exit_code == 7
    assert "PHOTO_NOT_FOUND (2): its photo does not exist" in result.stdout
    assert f"2 faces of {FACENET}" in result.stdout
    report = report_of(import_dump(database.text(), tmp_path, "--json"), 7)
    assert [each["reason"] for each in report["unmatched"]] == ["PHOTO_NOT_FOUND"] * 2


def test_one_of_several_services_is_chosen_by_its_key(database: Database, tmp_path: Path) -> None:
    database.services.append(("Demo", OTHER_KEY))
    database.add("ann", photo_of("ann"))
    database.add("ann", photo_of("another ann"), key=OTHER_KEY)
    message = refusal(import_dump(database.text(), tmp_path), tmp_path)
    assert "2 face recognition services (staff: 1; Demo: 1)" in message
    assert "by its API key" in message
    message = refusal(import_dump(database.text(), tmp_path, "--api-key", "wrong"), tmp_path)
    assert "wrong" not in message
    assert KEY not in message
    report = report_of(import_dump(database.text(), tmp_path, "--json", "--api-key", OTHER_KEY))
    assert (report["faces"], report["people"]) == (1, 1)


def test_a_dump_with_the_line_ends_of_a_terminal_is_read(
    database: Database, tmp_path: Path
) -> None:
    database.add("ann", photo_of("ann"))
    report = report_of(import_dump(database.text().replace("\n", "\r\n"), tmp_path, "--json"))
    assert (report["imported"], report["unmatched"]) == (1, [])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PGDMP\x01\x0e\x00", "pg_restore -f"),
        (b"\x1f\x8b\x08\x00", "gunzip"),
        (b"\x28\xb5\x2f\xfd\x00", "zstd"),
        (b"\xff\xfe-\x00-\x00", "PowerShell"),
        (b"PK\x03\x04", "unpack"),
        (b"toc.dat".ljust(257, b"\0") + b"ustar\x00", "pg_restore -f"),
        (b"", "is not a plain dump"),
        (b'{"faces": []}', "is not a plain dump"),
        (b"\x00" * 5_000_000, "is not a plain dump"),
        (b"INSERT INTO public.subject VALUES ('1', 'k', 'ann');\n", "without INSERT"),
        (b"COPY public.subject (name) FROM stdin;\nann\n\\.\n", "has no readable"),
        (b"COPY public.subject (id, api_key, subject_name) FROM stdin;\n7\tk\tann\n\\.\n", "UUID"),
        (
            b"COPY public.subject (id) FROM stdin;\n" + b"a" * 3_000_000 + b"\n\\.\n",
            "has no readable",
        ),
        (b"COPY public.subject (id, api_key) FROM stdin;\n1\t\xff\n\\.\n", "-E UTF8"),
    ],
)
def test_what_is_no_plain_dump_is_refused_with_what_to_do(
    database: Database, tmp_path: Path, content: bytes, words: str
) -> None:
    del database
    assert words in refusal(import_dump(content, tmp_path), tmp_path)


@pytest.mark.parametrize("table", ["subject", "embedding"])
def test_a_dump_without_a_table_names_the_table(
    database: Database, tmp_path: Path, table: str
) -> None:
    database.add("ann", photo_of("ann"))
    database.left = frozenset({table})
    message = refusal(import_dump(database.text(), tmp_path), tmp_path)
    assert f"has no rows of the table {table}" in message


def test_a_truncated_dump_imports_nothing(database: Database, tmp_path: Path) -> None:
    database.add("ann", photo_of("ann"))
    text = database.text()
    for table in ("embedding", "img", "subject"):
        cut = text[: text.index("FROM stdin;\n", text.index(f"COPY public.{table}")) + 30]
        assert f"it ends within the table {table}" in refusal(import_dump(cut, tmp_path), tmp_path)


def test_a_table_that_comes_twice_is_refused(database: Database, tmp_path: Path) -> None:
    database.add("ann", photo_of("ann"))
    message = refusal(import_dump(database.text() * 2, tmp_path), tmp_path)
    assert "two tables named" in message


def test_a_folder_is_refused_with_what_to_do(database: Database, tmp_path: Path) -> None:
    del database
    words = ["import", "compreface", str(tmp_path), "--collection", "staff"]
    result = CliRunner().invoke(main, [*words, "--data", str(tmp_path / "data")])
    assert "index it, with its people" in refusal(result, tmp_path)
    (tmp_path / "toc.dat").touch()
    result = CliRunner().invoke(main, [*words, "--data", str(tmp_path / "data")])
    assert "pg_restore -f" in refusal(result, tmp_path)


def test_long_lines_are_read_in_pieces(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        # the line end falls on different places of a piece
        database.add(f"p{number}", photo_of(f"p{number}"))
    monkeypatch.setattr(facerec.imports.copy_blocks, "MAX_START", 12_000)
    text = database.text()
    assert report_of(import_dump(text, tmp_path, "--json"))["imported"] == 8


def test_a_pipe_is_refused_with_what_to_do(tmp_path: Path) -> None:
    pipe = tmp_path / "frs.sql"
    os.mkfifo(pipe)
    words = ["import", "compreface", str(pipe), "--collection", "staff"]
    result = CliRunner().invoke(main, [*words, "--data", str(tmp_path / "data")])
    assert "write the dump to a file first" in refusal(result, tmp_path)
