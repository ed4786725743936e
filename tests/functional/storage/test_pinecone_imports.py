"""Bulk imports on the Pinecone server of the tests, with files in an emulated S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pytest

from facerec.core.vectors import Vector
from facerec.errors import ConfigurationError
from facerec.storage.faces import to_face, to_vector
from facerec.storage.pinecone import open_pinecone_imports, open_pinecone_vectors
from facerec.storage.pinecone.imports import ImportState, PineconeImports
from facerec.storage.pinecone.parquet import ImportFile
from facerec.testing.faces import stored_face
from tests.support.pinecone_imports import INTEGRATION
from tests.support.pinecone_server import API_KEY, PineconeServer
from tests.support.workflow.emulation import emulated_aws

pytest.importorskip("pinecone")
pytest.importorskip("pyarrow")

FOLDER = "s3://work/imports/1/"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PineconeServer]:
    with emulated_aws(monkeypatch), PineconeServer() as server:
        boto3.client("s3").create_bucket(Bucket="work")
        yield server


@pytest.fixture
def imports(server: PineconeServer) -> Iterator[PineconeImports]:
    imports = open_pinecone_imports(API_KEY, host=server.host)
    yield imports
    imports.close()


def put_file(tmp_path: Path, vectors: list[Vector], namespace: str = "staff@1") -> None:
    path = tmp_path / "0.parquet"
    with ImportFile(path) as file:
        file.write(vectors[:2])
        file.write(vectors[2:])
    key = f"imports/1/{namespace}/0.parquet"
    boto3.client("s3").put_object(Bucket="work", Key=key, Body=path.read_bytes())


def people(count: int = 5) -> list[Vector]:
    return [to_vector(stored_face(f"person {number}")) for number in range(count)]


def end(imports: PineconeImports, import_id: str) -> ImportState:
    for _ in range(5):
        found = imports.get(import_id)
        assert found is not None
        if found.state is not ImportState.RUNNING:
            return found.state
    return ImportState.RUNNING


def test_imported_vectors_are_read_bit_for_bit(
    server: PineconeServer, imports: PineconeImports, tmp_path: Path
) -> None:
    vectors = people()
    put_file(tmp_path, vectors)
    started = imports.start(FOLDER, INTEGRATION)
    assert started.state is ImportState.RUNNING
    assert end(imports, started.import_id) is ImportState.COMPLETED
    found = imports.get(started.import_id)
    assert found is not None
    assert (found.records, imports.count("staff@1")) == (5, 5)
    store = open_pinecone_vectors(API_KEY, host=server.host)
    read = store.get_vectors("staff@1", [vector.id for vector in vectors])
    store.close()
    for one, other in zip(read, vectors, strict=True):
        assert to_face(one).record == to_face(other).record
        assert np.array_equal(one.values, other.values)


def test_ids_and_embeddings_are_readable_in_the_bytes_of_a_file(tmp_path: Path) -> None:
    vectors = people()
    with ImportFile(tmp_path / "0.parquet") as file:
        file.write(vectors)
    content = (tmp_path / "0.parquet").read_bytes()
    for vector in vectors:
        assert vector.id.encode() in content
        assert vector.values.astype(np.float32).tobytes() in content


def test_a_second_start_returns_the_running_import(
    server: PineconeServer, imports: PineconeImports, tmp_path: Path
) -> None:
    put_file(tmp_path, people())
    first = imports.start(FOLDER, INTEGRATION)
    assert imports.start(FOLDER, INTEGRATION) == first
    assert len(server.imports.started) == 1


def test_an_import_that_was_sent_twice_runs_once(
    server: PineconeServer,
    imports: PineconeImports,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pinecone._internal.http_client._retry_sleep", lambda seconds: None)
    put_file(tmp_path, people())
    server.lose_answers("/bulk/imports")
    started = imports.start(FOLDER, INTEGRATION)
    assert end(imports, started.import_id) is ImportState.COMPLETED
    assert sorted(each.status for each in server.imports.started) == ["Cancelled", "Completed"]


def test_a_failed_import_may_be_started_again(
    server: PineconeServer, imports: PineconeImports, tmp_path: Path
) -> None:
    put_file(tmp_path, people())
    server.imports.fails = "the bucket may not be read"
    first = imports.start(FOLDER, INTEGRATION)
    assert end(imports, first.import_id) is ImportState.FAILED
    assert imports.of_folder(FOLDER) is None
    server.imports.fails = None
    second = imports.start(FOLDER, INTEGRATION)
    assert second.import_id != first.import_id
    assert end(imports, second.import_id) is ImportState.COMPLETED


def test_a_namespace_that_exists_is_not_imported_into(
    server: PineconeServer, imports: PineconeImports, tmp_path: Path
) -> None:
    put_file(tmp_path, people())
    server.namespaces["staff@1"] = {}
    started = imports.start(FOLDER, INTEGRATION)
    assert end(imports, started.import_id) is ImportState.FAILED


def test_running_imports_of_a_folder_are_cancelled(
    server: PineconeServer, imports: PineconeImports, tmp_path: Path
) -> None:
    put_file(tmp_path, people())
    started = imports.start(FOLDER, INTEGRATION)
    assert imports.cancel_inside("/other/") == 0
    assert imports.cancel_inside("/imports/") == 1
    assert end(imports, started.import_id) is ImportState.FAILED
    assert imports.count("staff@1") is None


def test_an_import_without_a_known_integration_is_refused(
    imports: PineconeImports, tmp_path: Path
) -> None:
    put_file(tmp_path, people())
    with pytest.raises(ConfigurationError, match="Pinecone refuses the import"):
        imports.start(FOLDER, "another")


def test_an_unknown_import_is_not_found(imports: PineconeImports) -> None:
    assert imports.get("77") is None
