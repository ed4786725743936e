import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from facerec.gallery.collections import delete_collection, describe_collection
from facerec.gallery.presenting import (
    collection_json,
    comparison_json,
    deletion_json,
    description_json,
    detection_json,
    face_page_json,
    match_result_json,
)
from facerec.gallery.stored_faces import delete_faces, list_faces
from facerec.testing.engine import fake_face, fake_photo
from tests.support.parts import FakeService

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
    "face-page.json",
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
def test_the_schemas_of_results_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == name


@pytest.mark.parametrize("name", RESULTS)
def test_a_schema_refuses_what_is_no_result(name: str) -> None:
    validator = Draft202012Validator(SCHEMAS[name], registry=REGISTRY)
    assert not validator.is_valid({})
    assert not validator.is_valid({"embedding": [0.1]})


def test_a_match_is_presented_as_its_schema_says(service: FakeService) -> None:
    service.index(GROUP, external_image_id="group.jpg", source="s3://photos/group.jpg")
    service.index(fake_photo(fake_face("ann", away=0.2)))
    presented = match_result_json(service.match(GROUP))
    validate(presented, "match-result.json")
    ann = presented["faces"][0]
    assert ann["decision"] == "match"
    assert ann["matches"][0]["similarity"] == 1.0
    assert ann["matches"][0]["distance"] == 0.0
    face = ann["matches"][0]["face"]
    assert (face["external_image_id"], face["source"]) == ("group.jpg", "s3://photos/group.jpg")
    assert face["indexed_at"] == "2023-11-14T22:13:20Z"
    assert ann["matches"][1]["face"]["external_image_id"] is None
    assert presented["rejected"][0]["reasons"] == ["LOW_CONFIDENCE"]


def test_a_comparison_is_presented_as_its_schema_says(service: FakeService) -> None:
    presented = comparison_json(service.compare(GROUP, GROUP))
    validate(presented, "compare-result.json")
    assert [pair["best"] for pair in presented["pairs"]] == [True, True, False, False]


def test_a_detection_is_presented_as_its_schema_says(service: FakeService) -> None:
    photo = service.compare(GROUP, GROUP).source
    presented = detection_json(photo, "fake-1")
    validate(presented, "detect-result.json")
    assert (len(presented["faces"]), len(presented["rejected"])) == (2, 1)


def test_collections_and_faces_are_presented_as_their_schemas_say(service: FakeService) -> None:
    faces = service.index(GROUP, external_image_id="group")
    parts = {"records": service.store, "faces": service.store}
    description = describe_collection("staff", **parts)
    validate(description_json(description), "collection.json")
    validate(collection_json(description.collection), "collection.json")
    for limit in (1, 10):
        page = face_page_json("staff", list_faces("staff", limit=limit, **parts))
        validate(page, "face-page.json")
    deletion = delete_faces("staff", [faces[0].record.face_id, "nobody"], **parts)
    validate(deletion_json("staff", deletion), "deletion.json")
    delete_collection("staff", **parts)


def test_no_result_holds_an_embedding(service: FakeService) -> None:
    faces = service.index(GROUP)
    result = service.match(GROUP)
    number = repr(float(faces[0].embedding[0]))[:8]
    shown = json.dumps(match_result_json(result)) + repr(result) + repr(faces)
    assert number not in shown
    assert "embedding" not in shown
