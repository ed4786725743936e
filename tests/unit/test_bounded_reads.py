"""No object is read without a bound in bytes, and one beyond its bound is damaged."""

from __future__ import annotations

import ast
import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import facerec
from facerec.errors import FacerecError, InvalidInputError
from facerec.jobs import documents, person_names, plan
from facerec.jobs.ledger import embeddings, incomplete, report, segments
from facerec.storage.objects.local import LocalObjects

PACKAGE = Path(facerec.__file__).parent
OBJECTS = LocalObjects()

WHOLE = {
    # a file that is read again as a whole to be changed
    "storage/objects/changing.py": 1,
}
"""Number of reads of whole objects by module."""


def test_every_other_read_of_an_object_has_a_bound() -> None:
    whole = Counter(
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("read", "fetch")
        and ast.unparse(node.func.value).rpartition(".")[2].lstrip("_") == "objects"
        and "end" not in [keyword.arg for keyword in node.keywords]
    )
    assert whole == WHOLE


READERS: dict[str, tuple[object, str, Callable[[str], object]]] = {
    "plan.json": (plan, "MAX_JSON_BYTES", lambda folder: plan.read_plan(OBJECTS, folder)),
    "report.json": (report, "MAX_JSON_BYTES", lambda folder: report.read_report(OBJECTS, folder)),
    "numbers.json": (
        incomplete,
        "MAX_JSON_BYTES",
        lambda folder: incomplete.read_numbers(OBJECTS, f"{folder}numbers.json"),
    ),
    "note.json": (
        documents,
        "MAX_JSON_BYTES",
        lambda folder: documents.read_document(
            OBJECTS, f"{folder}note.json", dict, max_bytes=documents.MAX_JSON_BYTES
        ),
    ),
    "a.jsonl": (
        segments,
        "MAX_LEDGER_FILE_BYTES",
        lambda folder: segments.read_segment(OBJECTS, f"{folder}a.jsonl"),
    ),
    "a.npz": (
        embeddings,
        "MAX_LEDGER_FILE_BYTES",
        lambda folder: embeddings.read_embeddings(OBJECTS, f"{folder}a.npz"),
    ),
    "photos.csv": (
        person_names,
        "MAX_NAMES_BYTES",
        lambda folder: person_names.name_rule("column:name", f"{folder}photos.csv", OBJECTS),
    ),
}
"""What reads each kind of file, with the module and the name of its bound."""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", READERS)
def test_a_file_beyond_its_bound_is_refused_before_all_of_it_is_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, bound, read = READERS[name]
    monkeypatch.setattr(module, bound, 1024 * 1024)
    with (tmp_path / name).open("wb") as file:
        file.truncate(2 * 1024**4)
    with pytest.raises(FacerecError, match=str(tmp_path)):
        read(f"{tmp_path}/")


def test_a_manifest_that_is_far_larger_when_decompressed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person_names, "MAX_NAMES_BYTES", 1024 * 1024)
    path = tmp_path / "photos.csv.gz"
    path.write_bytes(gzip.compress(b"image,name\n" + b" " * 50_000_000))
    assert path.stat().st_size < 100_000
    with pytest.raises(InvalidInputError, match="too many for names"):
        person_names.name_rule("column:name", str(path), OBJECTS)
