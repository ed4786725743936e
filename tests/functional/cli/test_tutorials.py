"""The tutorials, command by command, on the example photos and the real networks."""

from __future__ import annotations

import csv
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import EXAMPLES, ROOT, Facerec

BLOCK = re.compile(r"^```(console|csv|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Reader:
    """Does what a page says, in a folder with the example photos.

    Attributes:
        printed: What all programs of the page printed.
    """

    def __init__(self, facerec: Facerec) -> None:
        self._facerec = facerec
        self.printed = ""

    def follow(self, page: str) -> None:
        """Run the blocks of a page; what a block says that commands print, they print."""
        for kind, text in BLOCK.findall((ROOT / "docs" / page).read_text("utf-8")):
            if kind == "csv":
                Path("photos.csv").write_text(text, "utf-8")
            elif kind == "python":
                exec(text, {"print": self._print})
            else:
                self._run(text)

    def _run(self, block: str) -> None:
        output = ""
        for line in block.splitlines():
            if line.startswith("$ "):
                output = self._output(line.removeprefix("$ "))
            else:
                assert line in output, f"{line!r} is not in {output!r}"

    def _output(self, command: str) -> str:
        command, _, target = command.partition(" > ")
        words = shlex.split(command)
        if words[0] != "facerec":
            subprocess.run(words, check=True)
            return ""
        result = self._facerec(*words[1:])
        assert result.exit_code == 0, result.output
        if target:
            Path(target).write_text(result.stdout, "utf-8")
        return result.output

    def _print(self, *values: object) -> None:
        self.printed += " ".join(map(str, values)) + "\n"


@pytest.fixture
def reader(facerec: Facerec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("examples").symlink_to(EXAMPLES)
    return Reader(facerec)


@pytest.mark.long
def test_a_photographer_finds_all_photos_of_a_guest(reader: Reader) -> None:
    reader.follow("tutorial-event.md")
    copied = {path.name: path.read_bytes() for path in Path("guest").iterdir()}
    assert copied == {
        name: (EXAMPLES / "photos" / name).read_bytes()
        for name in ("barack-obama-1.jpg", "barack-obama-2.jpg")
    }
    assert Path("guest.html").read_text().count("data:image/jpeg;base64,") == 2


def test_a_club_finds_out_who_is_in_its_photos(reader: Reader, data: Path) -> None:
    reader.follow("tutorial-club.md")
    files = [path for path in data.rglob("*") if path.is_file()]
    assert [path for path in files if b"Joe Biden" in path.read_bytes()] == []
    with Path("evening.csv").open(newline="", encoding="utf-8") as file:
        found = {Path(row["photo"]).name: row["person_name"] for row in csv.DictReader(file)}
    assert found == {"probe.jpg": "Barack Obama", "rocket.jpg": ""}


def test_a_collection_is_moved_to_another_recipe(reader: Reader, facerec: Facerec) -> None:
    reader.follow("migration.md")
    described = facerec("collections", "describe", "people", "--json")
    assert "mirrored" in described.stdout


@pytest.mark.long
def test_an_engineer_names_people_by_a_table(reader: Reader) -> None:
    reader.follow("tutorial-manifest.md")
    found = {
        Path(line.partition(".jpg ")[0]).name: line.partition(".jpg ")[2]
        for line in reader.printed.splitlines()
    }
    assert found == {
        "barack-obama-1": "Barack Obama",
        "barack-obama-2": "Barack Obama",
        "eileen-collins-1": "张伟",
        "joe-biden-1": "Biden, Joe",
        "probe": "Barack Obama",
    }
