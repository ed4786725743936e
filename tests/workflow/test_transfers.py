"""Collections are exported from a stack and imported into it, with the commands of one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from facerec.cli.main import main
from facerec.jobs.aws import stack as described
from facerec.testing.engine import fake_face, fake_photo
from lambdas.erasure import handler as erasing
from tests.support.chosen_stack import find_stacks_by
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.workflow.stack import BUCKET, Stack
from tests.support.workflow.stores import deploy_with_stores, open_api_gallery


@pytest.fixture
def stack(
    deploy: Callable[..., Stack], vectors: S3VectorsServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    """A stack with three photos of Ann, two of whom have her name, and of a stranger."""
    stack = deploy_with_stores(deploy, monkeypatch)
    for person, shots in {"ann": 3, "bob": 1}.items():
        for shot in range(shots):
            photo = fake_photo(fake_face(person, away=0.05 * shot, shot=shot))
            stack.put(f"photos/{person}-{shot}.jpg", photo)
    assert stack.index(f"s3://{BUCKET}/photos/").status == "SUCCEEDED"
    gallery = open_api_gallery()
    ann, bob = (
        [
            face.record.face_id
            for face in gallery.list_faces("staff").faces
            if name in face.record.source
        ]
        for name in ("/ann-", "/bob-")
    )
    gallery.create_user("staff", "ann", name="张伟")
    gallery.associate_faces("staff", "ann", ann[:2])
    gallery.not_same("staff", bob[0], "ann")
    gallery.cluster_faces("staff")
    yield stack
    erasing._gallery.cache_clear()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"}


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_collection_goes_from_a_stack_to_a_machine_and_back(
    stack: Stack, command_line: CliRunner, tmp_path: Path
) -> None:
    def run(*words: object) -> str:
        return done(command_line.invoke(main, [str(word) for word in words]))

    here = ("--data", tmp_path / "here")
    exported = run("collections", "export", "staff", "--output", tmp_path / "one")
    assert "4 faces, 1 person, 1 correction" in exported
    run("collections", "import", tmp_path / "one", *here)
    assert "张伟" in run("people", "list", "--collection", "staff", *here)
    run("collections", "export", "staff", "--output", tmp_path / "two", *here)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")

    open_api_gallery().delete_collection("staff")
    run("collections", "import", tmp_path / "two")
    run("collections", "export", "staff", "--output", tmp_path / "three")
    assert contents(tmp_path / "three") == contents(tmp_path / "one")
    found = open_api_gallery().search_users_by_photo("staff", fake_photo(fake_face("ann")))
    assert [match.user.name for match in found.matches] == ["张伟"]
    assert not (tmp_path / "unused").exists()


@pytest.mark.long
def test_what_a_stack_cannot_take_is_one_line_and_changes_nothing(
    stack: Stack, command_line: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = command_line.invoke(
        main, ["collections", "export", "staff", "--output", str(tmp_path / "one")]
    )
    assert exported.exit_code == 0, exported.output
    words = ["collections", "import", str(tmp_path / "one")]
    again = command_line.invoke(main, words)
    assert (again.exit_code, again.stdout) == (4, "")
    assert "staff" in again.stderr.splitlines()[0]

    found = ("us-east-1", BUCKET, "w", "q", "d", 1, 1)
    for vector_store, message in (("pinecone", "Pinecone"), ("s3vectors", "update the stack")):
        other = described.Stack("s", *found, vector_store, {}, "ErasureFunction")
        find_stacks_by(monkeypatch, lambda _, other=other: other)
        refused = command_line.invoke(main, words)
        assert refused.exit_code in (3, 4)
        assert message in refused.stderr
