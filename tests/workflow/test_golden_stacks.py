"""What a stack of this or an earlier release has stored is opened, resumed and erased."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from facerec.cli.main import main
from lambdas.erasure import handler as erasing
from tests.support.golden.deployed import (
    NEWCOMER_PHOTOS,
    NEWCOMERS,
    SHOTS,
    STAFF,
    deploy_small,
    faces_of,
    kept_by,
    restore_stack,
)
from tests.support.golden.local import ANN, ANN_NAME, BOB, BOB_NAME, CID, DAN, photo_of
from tests.support.golden.packing import golden_folders, unpack
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.workflow.stack import Stack
from tests.support.workflow.stores import open_api_gallery

NAMED = {ANN: SHOTS + 1, BOB: SHOTS, CID: SHOTS, DAN: SHOTS - 1}
ADDED_LATER = 2
"""Newcomers whose faces were stored before the job was interrupted."""


@dataclass
class Golden:
    """A stack with the data of a golden folder, and the command line over it."""

    stack: Stack
    server: S3VectorsServer
    command_line: CliRunner

    def run(self, *words: str) -> str:
        """Run a command; return what it prints."""
        result = self.command_line.invoke(main, words)
        assert result.exit_code == 0, (words, result.output)
        return result.stdout

    def holders(self, traces: list[bytes]) -> set[str]:
        """Return where the stack keeps one of the traces."""
        kept = kept_by(self.stack, self.server)
        return {place for place, content in kept.items() if any(each in content for each in traces)}


@pytest.fixture(params=golden_folders(), ids=lambda path: path.name.removesuffix(".tar.xz"))
def golden(
    request: pytest.FixtureRequest,
    aws: None,
    waits: list[float],
    vectors: S3VectorsServer,
    command_line: CliRunner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Golden]:
    """A stack with the data of each golden folder in turn."""
    unpack(request.param, tmp_path / "golden")
    stack = deploy_small(tmp_path, monkeypatch, vectors)
    restore_stack(tmp_path / "golden" / "aws", stack, vectors)
    yield Golden(stack, vectors, command_line)
    erasing._gallery.cache_clear()


def named() -> dict[str, int]:
    """Return how many faces each name has."""
    gallery = open_api_gallery()
    return {person: len(faces_of(gallery, person)) for person in NAMED}


def test_a_golden_stack_is_opened_and_its_interrupted_job_is_resumed(
    golden: Golden, tmp_path: Path
) -> None:
    assert named() == NAMED
    gallery = open_api_gallery()
    users = {user.user_id: user.name for user in gallery.list_users("staff").users}
    assert users == {ANN: ANN_NAME, BOB: BOB_NAME}
    assert len(gallery.list_corrections("staff").corrections) == 1
    assert len(gallery.list_history("staff").entries) >= 6
    assert len(gallery.list_erasures("staff")) == 1
    (found,) = gallery.search("staff", photo_of(ANN, 9)).faces
    assert found.matches[0].face.external_image_id == ANN
    assert ANN_NAME in golden.run("people", "events", "--collection", "staff")

    ended = golden.stack.index(NEWCOMERS)
    assert ended.status == "SUCCEEDED", ended.cause
    assert golden.stack.analysed == NEWCOMER_PHOTOS - ADDED_LATER
    assert ended.output["outcomes"] == {"INDEXED": NEWCOMER_PHOTOS}
    again = golden.stack.index(STAFF, external_ids="folder")
    assert again.status == "SUCCEEDED", again.cause
    assert golden.stack.analysed == NEWCOMER_PHOTOS - ADDED_LATER
    # What was deleted stays deleted.
    assert named() == NAMED


@pytest.mark.long
def test_a_golden_stack_is_rebuilt_and_erased(golden: Golden) -> None:
    gallery = open_api_gallery()
    ids = [face for person in NAMED for face in faces_of(gallery, person)]
    stored = gallery._faces.get_faces("staff", ids)
    vectors = [face.embedding.astype("<f4").tobytes() for face in stored]
    ann = set(faces_of(gallery, ANN))
    hers = [face.embedding.astype("<f4").tobytes() for face in stored if face.record.face_id in ann]
    golden.run("rebuild", "staff", "--stack", "s")
    assert named() == NAMED
    traces = [ANN.encode(), ANN_NAME.encode(), *hers, *(face.encode() for face in ann)]
    assert golden.holders(traces)
    for kind in ("--external-id", "--person"):
        golden.run("erase", "--collection", "staff", kind, ANN, "--yes", "--check")
    assert golden.holders(traces) == set()
    assert named() == NAMED | {ANN: 0}
    golden.run("collections", "delete", "staff", "--yes")
    everybody = [name.encode() for name in (BOB, BOB_NAME, CID, DAN)]
    assert golden.holders([*vectors, *everybody, *(face.encode() for face in ids)]) == set()
