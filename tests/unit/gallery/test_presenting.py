import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from facerec.gallery.gallery import Gallery
from facerec.gallery.presenting.collections import collection_json, summary_json
from facerec.gallery.presenting.faces import (
    deletion_json,
    detection_json,
    face_page_json,
    index_json,
)
from facerec.gallery.presenting.search import comparison_json, search_json
from facerec.testing.engine import fake_face, fake_photo

SCHEMAS = {
    file.name: json.loads(file.read_text("utf-8"))
    for file in (files("facerec") / "schemas").iterdir()
    if file.name.endswith(".json")
}
REGISTRY: Registry[Any] = Registry().with_resources(
    (name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)
RESULTS = (
    "collection.json",
    "compare-result.json",
    "deletion.json",
    "detect-result.json",
    "face-list.json",
    "match-result.json",
)
GROUP = fake_photo(
    fake_face("ann"), fake_face("bob", left=0.5), fake_face("cyd", left=0.7, confidence=0.1)
)


def validate(document: object, schema: str) -> None:
    # through JSON, as a script would read it
    text = json.dumps(document, allow_nan=False)
    validator = Draft202012Validator(
        SCHEMAS[schema],
        registry=REGISTRY,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    validator.validate(json.loads(text))


@pytest.mark.parametrize("name", [*RESULTS, "face.json", "photo-faces.json"])
def test_the_schemas_of_results_are_valid_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == name


@pytest.mark.parametrize("name", RESULTS)
def test_a_schema_refuses_an_invalid_result(name: str) -> None:
    validator = Draft202012Validator(SCHEMAS[name], registry=REGISTRY)
    assert not validator.is_valid({})
    assert not validator.is_valid({"embedding": [0.1]})


def test_a_match_follows_its_schema(gallery: Gallery, tmp_path: Path) -> None:
    path = tmp_path / "group.jpg"
    path.write_bytes(GROUP)
    indexed = index_json(gallery.index("staff", path, external_image_id="group.jpg"))
    validate(indexed, "index-result.json")
    gallery.index("staff", fake_photo(fake_face("ann", away=0.2)))
    presented = search_json(gallery.search("staff", GROUP))
    validate(presented, "match-result.json")
    ann = presented["faces"][0]
    assert ann["decision"] == "match"
    assert ann["matches"][0]["similarity"] == 1.0
    assert ann["matches"][0]["distance"] == 0.0
    face = ann["matches"][0]["face"]
    assert (face["external_image_id"], face["source"]) == ("group.jpg", str(path))
    assert face["indexed_at"] == "2023-11-14T22:13:20Z"
    assert ann["matches"][1]["face"]["external_image_id"] is None
    assert presented["rejected"][0]["reasons"] == ["LOW_CONFIDENCE"]


def test_a_comparison_follows_its_schema(gallery: Gallery) -> None:
    presented = comparison_json(gallery.compare(GROUP, GROUP))
    validate(presented, "compare-result.json")
    assert [pair["best"] for pair in presented["pairs"]] == [True, True, False, False]


def test_a_detection_follows_its_schema(gallery: Gallery) -> None:
    photo = gallery.detect(GROUP)
    presented = detection_json(photo, "fake-1")
    validate(presented, "detect-result.json")
    assert (len(presented["faces"]), len(presented["rejected"])) == (2, 1)


def test_collections_and_faces_follow_their_schemas(gallery: Gallery) -> None:
    faces = gallery.index("staff", GROUP, external_image_id="group").faces
    summary = gallery.describe_collection("staff")
    validate(summary_json(summary), "collection.json")
    validate(collection_json(summary.collection), "collection.json")
    for limit in (1, 10):
        page = face_page_json(gallery.list_faces("staff", limit=limit))
        validate(page, "face-list.json")
    deletion = gallery.delete_faces(
        "staff", [faces[0].record.face_id, "00000000-0000-8000-8000-000000000000"]
    )
    validate(deletion_json(deletion), "deletion.json")


def test_no_result_contains_an_embedding(gallery: Gallery) -> None:
    indexed = gallery.index("staff", GROUP)
    result = gallery.search("staff", GROUP)
    number = repr(float(result.faces[0].face.embedding[0]))[:8]
    shown = json.dumps(search_json(result)) + repr(result) + repr(indexed)
    assert number not in shown
    assert "embedding" not in shown
