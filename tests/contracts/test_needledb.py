"""The contract on a server of the same REST interface that is not ours.

``needledb`` is installed in this environment or, since it brings 200 MB with it, in
``.needledb`` at the root of the repository.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from facerec.storage.pinecone import PineconeVectors, open_pinecone_vectors
from facerec.testing.vector_store import VectorStoreContract

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (str(Path(sys.executable).parent), str(ROOT / ".needledb" / "bin"), os.environ["PATH"])


@pytest.fixture(scope="module")
def needledb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("pinecone")
    command = shutil.which("needledb", path=os.pathsep.join(FOLDERS))
    if command is None:
        pytest.skip(
            "needs needledb: python -m venv .needledb && .needledb/bin/pip install needledb"
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("needledb")
    server = subprocess.Popen(
        [command, "serve", "--no-auth", "--port", str(port), "--data", str(folder)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield wait_for(server, f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait(60)


@pytest.fixture(scope="module")
def needledb_store(needledb: str) -> Iterator[PineconeVectors]:
    description = {
        "name": "faces",
        "dimension": 128,
        "metric": "euclidean",
        "index_type": "flat",
    }
    request = urllib.request.Request(
        f"{needledb}/indexes",
        json.dumps(description).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).close()
    vectors = open_pinecone_vectors("any key", host=f"{needledb}/indexes/faces")
    yield vectors
    vectors.close()


class TestPineconeVectorsOnNeedledb(VectorStoreContract):
    exactness = 1e-6
    many = 1200

    @pytest.fixture
    def store(self, needledb_store: PineconeVectors) -> Iterator[PineconeVectors]:
        yield needledb_store
        needledb_store.delete_namespace("staff")
        needledb_store.delete_namespace("guests")


def wait_for(server: subprocess.Popen[bytes], address: str) -> str:
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/health").close()
        except OSError:
            time.sleep(0.05)
        else:
            return address
    raise RuntimeError("needledb does not start")
