"""Photos that exchange their names: each face gets the address that its photo has now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from facerec.cli.main import main
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import fake_face, fake_photo
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.settled import let_files_settle


class Machine:
    """A folder of photos and a manifest of the same external id, which one collection indexes.

    The photos are in the folder, except the last of the case ``both``. The manifest names those
    that the case says.
    """

    def __init__(self, folder: Path, case: str, count: int) -> None:
        self.data, self.manifest = folder / "data", folder / "list.jsonl"
        self.ids = ("--external-ids", "none" if case == "no ids" else "folder")
        self.folder = folder / "photos" / "ann"
        self.folder.mkdir(parents=True)
        self.photos = [self.folder / f"{number}.jpg" for number in range(count)]
        if case == "both":
            self.photos[-1] = folder / "other.jpg"
        self.is_folder = case != "manifest"
        self.named = {"manifest": self.photos, "both": self.photos[-1:], "shared": self.photos}.get(
            case, []
        )
        for number, path in enumerate(self.photos):
            path.write_bytes(fake_photo(fake_face(f"p{number}"), note=f"{number}"))
        lines = ({"image": str(path), "external_image_id": "ann"} for path in self.named)
        self.manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def run(self, *words: object) -> Result:
        environment = {"FACEREC_DATA": str(self.data)}
        result = CliRunner(env=environment).invoke(main, [str(word) for word in words])
        assert result.exit_code == 0, result.output
        return result

    def index(self) -> str:
        let_files_settle()
        words = ("index", "--collection", "staff", "--workers", 1)
        shown = ""
        if self.is_folder:
            shown = self.run(*words, self.folder.parent, *self.ids, "--prune").output
        return shown + (self.run(*words, self.manifest).output if self.named else "")

    def rotate(self) -> None:
        """Give each photo the name of the next one."""
        contents = [path.read_bytes() for path in self.photos]
        for path, content in zip(self.photos, contents[1:] + contents[:1], strict=True):
            path.write_bytes(content)

    def addresses(self) -> dict[str, str]:
        """Return the address of each face by its id."""
        with SqliteStore(self.data / "facerec.db") as store:
            return {face.face_id: face.source for face in store.list_faces("staff")}


CASES = ("no ids", "folder", "manifest", "both", "shared")


@pytest.fixture(params=[2, 3])
def count(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture(params=CASES)
def machine(
    request: pytest.FixtureRequest, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Machine:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    return Machine(tmp_path, request.param, count)


def rotated(before: dict[str, str], machine: Machine) -> dict[str, str]:
    """Return the addresses of faces after a rotation."""
    names = [str(path) for path in machine.photos]
    return {face: names[names.index(source) - 1] for face, source in before.items()}


def test_faces_get_the_addresses_that_their_photos_have_now(machine: Machine) -> None:
    machine.index()
    before = machine.addresses()
    machine.rotate()
    shown = machine.index()
    assert machine.addresses() == rotated(before, machine)
    assert "cop" not in shown


def test_only_the_photo_at_an_address_is_erased(machine: Machine) -> None:
    machine.index()
    machine.rotate()
    machine.index()
    here = machine.addresses()
    erased = machine.photos[0]
    machine.run("erase", "--collection", "staff", "--photo", erased, "--yes", "--check")
    left = {face: source for face, source in here.items() if source != str(erased)}
    assert machine.addresses() == left
    machine.index()
    assert machine.addresses() == left
