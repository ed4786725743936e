"""What a newer release has stored in another format is refused in one line, and not misread."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pytest
from click.testing import CliRunner
from moto import mock_aws

from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.core.records import User, new_collection
from facerec.errors import ErasureNotFoundError, NewerReleaseError
from facerec.factory import open_gallery, open_local_erasures
from facerec.storage.dynamodb.items import Item, collection_key, user_key
from facerec.storage.dynamodb.store import DynamoDBStore
from lambdas.erasure.scheduled import run_scheduled
from tests.support.golden.local import ANN, STAFF, DataFolder, restore_photos
from tests.support.golden.packing import golden_folders, unpack
from tests.support.long import mostly_long
from tests.support.stack_template import create_table
from tests.support.workflow.emulation import emulated_aws

NEWER = 99
"""A format that no release knows."""

REFUSED = f"was written by a newer release of facerec (format {NEWER}, this one supports 1)"

DOCUMENTS = {
    "jobs/*/ledger/*/*.jsonl": "erase",
    "jobs/*/embeddings/*/*.npz": "rebuild",
    "erasures/receipts/*/*.json": "erasures",
    "jobs/*/children/*.json": "erase",
    "jobs/*/index/sorted.json": "erase a face",
    "jobs/*/index/[0-9]*": "erase a face",
    "jobs/*/plan.json": "verify",
    "jobs/*/report.json": "jobs",
    "jobs/*/run.json": "jobs",
    "jobs/*/started.json": "index",
    "jobs/remembered@*/*/settings.json": "index",
    "jobs/remembered@*/*/tombstones-*.json": "erase after a loss",
    "jobs/remembered@*/faces.json": "erase a face",
}
"""All kinds of stored documents, with a command that reads them."""

ONLY_NAMED = "erasures/deleted/*/*.json"
"""Documents of which facerec reads only the name."""

COMMANDS = {
    "jobs": ("jobs", "list"),
    "verify": ("verify", "staff"),
    "rebuild": ("rebuild", "staff", "--into", "../other"),
    "erasures": ("erasures", "list", "--collection", "staff"),
    "erase": ("erase", "--collection", "staff", "--external-id", ANN, "--yes"),
    "erase a face": ("erase", "--collection", "staff", "--face", "FACE", "--yes"),
    "erase after a loss": ("erase", "--collection", "staff", "--external-id", ANN, "--yes"),
    "index": ("index", STAFF, "--collection", "staff", "--external-ids", "folder"),
}


def newer(path: Path) -> bytes | None:
    """Return a file as a newer release would write it; None if it is not one."""
    content = path.read_bytes()
    if path.suffix == ".npz":
        written = io.BytesIO()
        with np.load(path) as file:
            np.savez(written, format=NEWER, **dict(file.items()))
        return written.getvalue()
    first, end, others = content.partition(b"\n")
    if path.suffix == ".json":
        first, end, others = content, b"", b""
    try:
        document = json.loads(first)
    except ValueError:
        return None
    return json.dumps({**document, "format": NEWER}).encode() + end + others


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("golden") / "golden"
    unpack(golden_folders()[-1], folder)
    return folder


@pytest.fixture
def here(unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataFolder]:
    """The data folder of the latest golden folder."""
    shutil.copytree(unpacked / "data", tmp_path / "data")
    with emulated_aws(monkeypatch):
        restore_photos(unpacked / "photos")
        yield DataFolder(tmp_path / "data", monkeypatch)


def test_every_document_of_a_data_folder_is_known(unpacked: Path) -> None:
    data = unpacked / "data"
    # Manifests are the user's lines.
    found = {
        path
        for path in data.rglob("*")
        if path.is_file() and not path.name.startswith("manifest-") and newer(path) is not None
    }
    assert found == {path for kind in (*DOCUMENTS, ONLY_NAMED) for path in data.glob(kind)}


@pytest.mark.parametrize("kind", mostly_long(DOCUMENTS, 3))
def test_a_newer_document_is_refused(here: DataFolder, kind: str) -> None:
    for path in list(here.data.glob(kind)):
        path.write_bytes(newer(path) or b"")
    before = {path: path.read_bytes() for path in here.data.glob(kind)}
    assert before
    command = DOCUMENTS[kind]
    known = {"../other": str(here.data.parent / "other"), "FACE": here.of(ANN)[0]}
    words = [known.get(word, word) for word in COMMANDS[command]]
    if command.endswith("a loss"):
        (here.data / "facerec.db").unlink()
    result = CliRunner(env={"FACEREC_DATA": str(here.data)}).invoke(main, words)
    assert result.exit_code == ExitCode.INVALID_INPUT, (result.output, result.exception)
    assert REFUSED in " ".join(result.stderr.split())
    # What this release cannot read stays as it is.
    assert {path: path.read_bytes() for path in here.data.glob(kind)} == before


def test_a_newer_note_of_an_erasure_concerns_only_its_collection(here: DataFolder) -> None:
    note = here.data / "erasures" / "pending" / "20260101T000000Z-00000000.json"
    note.parent.mkdir(exist_ok=True)
    note.write_text(json.dumps({"format": NEWER, "receipt": {"collection_id": "guests"}}))
    erasures = open_local_erasures(here.data)
    assert list(erasures.pending()) == []
    assert [type(each) for each in erasures.unreadable()] == [NewerReleaseError]
    assert list(erasures.unreadable("staff")) == []
    with pytest.raises(NewerReleaseError):
        erasures.deletion_of(new_collection("guests", "fake-1", 1.0))
    with pytest.raises(ErasureNotFoundError):
        erasures.discard(note.stem)
    with open_gallery(here.data) as gallery:
        gallery.create_user("staff", "somebody")
        with pytest.raises(NewerReleaseError):
            run_scheduled(gallery, clock=lambda: 0.0)
        gallery.delete_collection("staff")
    assert note.exists()


@pytest.mark.parametrize(
    "key", [collection_key("staff"), user_key("staff", "ann")], ids=["collection", "person"]
)
def test_a_newer_item_of_a_table_is_refused(key: Item) -> None:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "records")
        store = DynamoDBStore(client, "records")
        store.create_collection(new_collection("staff", "fake-1", 1.0))
        store.create_user("staff", User("ann", 1.0))
        client.update_item(
            TableName="records",
            Key=key,
            UpdateExpression="SET #format = :format",
            ExpressionAttributeNames={"#format": "format"},
            ExpressionAttributeValues={":format": {"N": str(NEWER)}},
        )
        with pytest.raises(NewerReleaseError, match="was written by a newer release"):
            if key == collection_key("staff"):
                store.get_collection("staff")
            else:
                store.get_user("staff", "ann")
