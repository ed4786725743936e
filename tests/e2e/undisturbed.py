"""The same photos indexed by the embedded runner, in which nothing happens to any child."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.storage.sqlite import SqliteStore
from tests.e2e.machine import ROOT

Embeddings = dict[str, NDArray[np.float32]]
"""By the ids of faces, of shape (128,)."""


def index_on_this_machine(manifest: Path, collection_id: str, data: Path) -> Embeddings:
    """Index a manifest of paths; return the faces."""
    subprocess.run(
        [
            *(sys.executable, "-m", "facerec.cli.main"),
            *("index", str(manifest), "--collection", collection_id),
        ],
        env={**os.environ, "FACEREC_DATA": str(data)},
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    with SqliteStore(data / "facerec.db") as store:
        listed = store.list_faces(collection_id, limit=100_000)
        faces = store.get_faces(collection_id, [record.face_id for record in listed])
        return {face.record.face_id: face.embedding for face in faces}
