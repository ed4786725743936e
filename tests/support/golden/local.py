"""The data folder of one machine in a golden folder: a little of everything that facerec keeps.

The photos are S3 objects, so that the folder may be opened at any path. Faces are those of the fake
engine; nobody has them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

import facerec.factory.engines
import facerec.factory.local
from facerec.cli.main import main
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.core.protocols.engine import FaceEngine
from facerec.factory import open_gallery
from facerec.jobs.child.attempt import ChildDependencies, StepSize
from facerec.storage.objects import AccessPolicy, Objects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.painted_photos import PaintedEngine, painted_photo

PHOTOS = "golden-photos"
STAFF = f"s3://{PHOTOS}/staff/"
GUESTS = f"s3://{PHOTOS}/guests/"
NEWCOMERS = f"s3://{PHOTOS}/newcomers/"

ANN, BOB, CID, DAN, EVE, FOX = "ann-lee", "bob-ray", "cid-poe", "dan-orr", "eve-may", "fox-low"
ANN_NAME, BOB_NAME = "Ann Müller", "Bob 张伟"

SHOTS = 3
NEWCOMER_PHOTOS = 6


def photo_of(person: str, shot: int = 0) -> bytes:
    """Return a photo of somebody."""
    return fake_photo(fake_face(person, shot=shot, away=0.1))


def photos_at_first() -> dict[str, bytes]:
    """Return the photos that the first job reads, by key."""
    return {
        f"staff/{person}/{shot}.jpg": photo_of(person, shot)
        for person in (ANN, BOB, CID, DAN)
        for shot in range(SHOTS)
    } | {"staff/nobody/0.jpg": fake_photo(), "staff/broken/0.jpg": b"not a photo"}


def later_photos() -> dict[str, bytes]:
    """Return the photos of the jobs after it, by key."""
    return {
        f"staff/{ANN}/later.jpg": photo_of(ANN, SHOTS),
        **{f"guests/{number}.jpg": photo_of(f"guest-{number}") for number in range(2)},
        **{
            f"newcomers/{number}.jpg": photo_of(f"new-{number}")
            for number in range(NEWCOMER_PHOTOS)
        },
    }


def put_photos(photos: dict[str, bytes]) -> None:
    """Put photos into the bucket, which must exist."""
    client = boto3.client("s3", region_name="us-east-1")
    for key, content in photos.items():
        client.put_object(Bucket=PHOTOS, Key=key, Body=content)


def restore_photos(folder: Path) -> None:
    """Create the bucket with the photos of a golden folder."""
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=PHOTOS)
    files = (path for path in folder.rglob("*") if path.is_file())
    put_photos({str(path.relative_to(folder)): path.read_bytes() for path in files})


class Killed(BaseException):
    """The process ends here."""


class MortalEngine(FakeEngine):
    """An engine whose process is killed at its third photo."""

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        if self.analysed + len(photos) > 2:
            raise Killed
        return super().analyse(photos, options)


class DataFolder:
    """The command line over a data folder, with the fake engine."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data = data
        use_fake_engine(monkeypatch)
        run_jobs_in_this_process(monkeypatch)

    def run(self, *words: object, code: int = 0) -> str:
        """Run a command; return what it prints."""
        environment = {"FACEREC_DATA": str(self.data)}
        result = CliRunner(env=environment).invoke(main, [str(word) for word in words])
        assert result.exit_code == code, (words, result.output, result.exception)
        return result.stdout

    def json(self, *words: object, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        """Run a command with ``--json``."""
        return json.loads(self.run(*words, "--json", code=code))

    def index(self, source: str, *words: object, collection: str = "staff", code: int = 0) -> Any:  # noqa: ANN401 - JSON
        """Index photos."""
        line = ("index", source, "--collection", collection, "--external-ids", "folder")
        return self.json(*line, "--workers", 1, *words, code=code)

    def faces(self, collection: str = "staff") -> dict[str, str | None]:
        """Return the external image ids of the faces, by face id."""
        listed = self.json("faces", "list", "--collection", collection, "--limit", 1000)
        return {face["face_id"]: face["external_image_id"] for face in listed["faces"]}

    def of(self, external_image_id: str) -> list[str]:
        """Return the ids of somebody's faces."""
        return sorted(face for face, own in self.faces().items() if own == external_image_id)


def write_data_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write ``data`` with everything that facerec keeps, an ``export``, and the ``photos``.

    S3 is emulated.
    """
    boto3.client("s3").create_bucket(Bucket=PHOTOS)
    here = DataFolder(root / "data", monkeypatch)
    put_photos(photos_at_first())
    here.index(STAFF, code=7)
    _change_people(here)
    put_photos(later_photos())
    for key, content in (photos_at_first() | later_photos()).items():
        path = root / "photos" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    here.index(STAFF)
    _upload_with_thumbnail(here, monkeypatch)
    _erase(here)
    here.run("collections", "update", "staff", "--expire-after", "36500d")
    here.run("collections", "set-threshold", "staff", "0.9")
    here.run("collections", "export", "staff", "--output", root / "export")
    _interrupt(here, monkeypatch)
    # The pages of the write-ahead log belong to the file that is packed.
    with closing(sqlite3.connect(here.data / "facerec.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for rest in here.data.glob("facerec.db-*"):
        rest.unlink()


def _change_people(here: DataFolder) -> None:
    staff = ("--collection", "staff", "--by", "golden", "--why", "a test")
    for person, name in ((ANN, ANN_NAME), (BOB, BOB_NAME)):
        here.run("people", "create", person, *staff)
        here.run("people", "add", person, *here.of(person), *staff)
        here.run("people", "rename", person, name, *staff)
    days = ("--consent", "2026-01-01", "--expires", "2999-01-01")
    here.run("people", "register", ANN, *days, *staff)
    here.run("faces", "not-same", here.of(DAN)[0], BOB, *staff)
    here.run("faces", "not-same", here.of(CID)[0], BOB, *staff)
    for cluster in here.json("people", "suggest", "--collection", "staff")["clusters"][-1:]:
        here.run("people", "ignore", cluster["cluster_id"], *staff)


def _upload_with_thumbnail(here: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def painted(*_: object) -> FaceEngine:
        return PaintedEngine()

    with monkeypatch.context() as patch:
        patch.setattr(facerec.factory.engines, "open_local_engine", painted)
        with open_gallery(here.data, keep_thumbnails=True) as gallery:
            gallery.index("staff", painted_photo(fake_face(EVE)), external_image_id=EVE)


def _erase(here: DataFolder) -> None:
    here.run("erase", "--collection", "staff", "--external-id", DAN, "--yes")
    here.index(GUESTS, collection="guests")
    here.run("collections", "delete", "guests", "--yes")


def _interrupt(here: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def mortal(data: Path, policy: AccessPolicy | None, version: str) -> ChildDependencies:
        store = SqliteStore(data / "facerec.db")
        return ChildDependencies(MortalEngine(version), store, store, Objects(policy), store)

    build: Callable[..., ChildDependencies] = mortal
    with monkeypatch.context() as patch:
        patch.setattr(facerec.factory.local, "_build_worker", build)
        patch.setattr("facerec.jobs.child.attempt.LOCAL_STEP", StepSize(2, 64 << 20, 2))
        with pytest.raises(Killed):
            here.index(NEWCOMERS)
