"""The doors offer the same options, with the same bounds and defaults."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import click
import pytest

import facerec
from facerec.api.rest.requests.index import IndexRequest
from facerec.api.rest.requests.recognition import CompareRequest, DetectRequest, MatchRequest
from facerec.cli.compare import compare
from facerec.cli.detect import detect
from facerec.cli.faces import faces
from facerec.cli.index import index
from facerec.cli.jobs_start import start
from facerec.cli.match import match
from facerec.cli.numbers import MAX_WHOLE
from facerec.core import limits
from facerec.core.options import OPTION_TEXTS, ChosenOptions
from facerec.errors import InvalidInputError
from facerec.gallery.defaults import GalleryDefaults
from facerec.gallery.gallery import Gallery
from facerec.jobs.planning.request import JobRequest, read_job_request
from tools.cli_docs import every_command

FACE_OPTIONS = set(ChosenOptions.__annotations__)
PHOTO = {"image", "images", "bucket", "key", "version", "prefix", "manifest"}
SCHEMA = Path(facerec.__file__).parent / "schemas" / "execution-input.json"
EXECUTION_INPUT = json.loads(SCHEMA.read_text("utf-8"))["properties"]

WORKFLOW_ONLY = {"bulk_import", "prune_over_limit"}
"""Fields of a stack's jobs: faces imported by Pinecone, and a watched folder whose errors nobody
reads."""

OPERATORS_ONLY = {"max_pixels"}
"""Face options that only the operator sets: they bound memory."""

ONE_DOOR = {
    "data": "the command line works on a folder of this machine",
    "stack": "the command line works on a stack of the account",
    "draw": "writes a file on this machine",
    "overwrite": "writes a file on this machine",
    "csv_file": "writes a file on this machine",
    "csv": "writes a file on this machine",
    "as_json": "an API always answers in JSON",
    "photo": "the photo itself",
    "other": "the photo itself",
    "source": "the photo itself",
    "target": "the photo itself",
    "collection": "called collection_id in JSON",
    "collection_id": "called collection in commands",
    "index": "`facerec index` stores a photo",
    "external_image_id": "goes with index",
    "photo_name": "goes with index",
}
"""Fields and options that one door of a search, comparison or detection needs alone."""


OTHER_NAMES = {DetectRequest: {"limit"}}
"""Fields that are another name of a field of the same request: max_faces, in ``LimitedFaces``."""


def options_of(command: click.Command) -> set[str]:
    return {parameter.name or "" for parameter in command.params}


def fields_of(model: type[Any]) -> set[str]:
    return set(model.model_fields)


def bounds_in_json(schema: dict[str, Any]) -> tuple[Any, Any]:
    """Return the least and greatest value, of a type that may also be null."""
    for part in (schema, *schema.get("anyOf", ())):
        if "minimum" in part or "maximum" in part:
            return part.get("minimum"), part.get("maximum")
    return None, None


def bounds_of(parameter: click.Parameter) -> tuple[Any, Any]:
    kind = parameter.type
    maximum = getattr(kind, "max", None)
    return getattr(kind, "min", None), None if maximum == MAX_WHOLE else maximum


@pytest.mark.parametrize("command", [index, start, match, compare, detect], ids=lambda c: c.name)
def test_every_command_with_photos_has_every_face_option(command: click.Command) -> None:
    assert options_of(command) >= FACE_OPTIONS


@pytest.mark.parametrize("model", [IndexRequest, MatchRequest, CompareRequest, DetectRequest])
def test_every_route_with_photos_has_every_face_option(model: type[Any]) -> None:
    assert fields_of(model) >= FACE_OPTIONS


def test_every_face_option_can_be_given_for_a_job() -> None:
    assert set(EXECUTION_INPUT["options"]["properties"]) - OPERATORS_ONLY == FACE_OPTIONS
    assert set(OPTION_TEXTS) == FACE_OPTIONS


@pytest.mark.parametrize(
    ("command", "model"),
    [(match, MatchRequest), (compare, CompareRequest), (detect, DetectRequest)],
    ids=["match", "compare", "detect"],
)
def test_a_command_and_its_route_have_the_same_options(
    command: click.Command, model: type[Any]
) -> None:
    differing = options_of(command) ^ (fields_of(model) - OTHER_NAMES.get(model, set()))
    assert differing - PHOTO <= set(ONE_DOOR)


@pytest.mark.parametrize("command", [index, start], ids=["index", "jobs start"])
def test_a_job_has_the_same_options_in_commands_and_in_rest(command: click.Command) -> None:
    fields = set(EXECUTION_INPUT) - {"collection_id", "options"} - PHOTO - WORKFLOW_ONLY
    # A job on this machine has no children of its own size.
    expected = fields - {"images_per_child"}
    assert expected <= options_of(command)
    assert expected == fields & fields_of(IndexRequest)


def test_bounds_of_options_are_the_same_at_every_door() -> None:
    rest = IndexRequest.model_json_schema()["properties"]
    job = {**EXECUTION_INPUT, **EXECUTION_INPUT["options"]["properties"]}
    for parameter in start.params:
        name = parameter.name or ""
        if name in job and bounds_of(parameter) != (None, None):
            assert bounds_in_json(job[name]) == bounds_of(parameter), name
            if name in rest:
                assert bounds_in_json(rest[name]) == bounds_of(parameter), name


def test_choices_of_options_are_the_same_at_every_door() -> None:
    rest = MatchRequest.model_json_schema()["properties"]
    for parameter in match.params:
        if isinstance(parameter.type, click.Choice):
            schema = rest[parameter.name or ""]
            parts = (schema, *schema.get("anyOf", ()))
            (choices,) = (part["enum"] for part in parts if "enum" in part)
            assert choices == list(parameter.type.choices)


def test_choices_are_words_and_not_names_in_the_code() -> None:
    for path, command in every_command():
        for parameter in command.params:
            if isinstance(parameter.type, click.Choice):
                # click offers the names of an enumeration's members
                assert {type(choice) for choice in parameter.type.choices} == {str}, path


def test_a_job_has_the_defaults_of_its_schema() -> None:
    request = read_job_request({"collection_id": "staff", "manifest": "s3://bucket/photos/"})
    assert request == JobRequest("staff", "s3://bucket/photos/")
    for name, schema in EXECUTION_INPUT.items():
        if "default" in schema and name != "external_ids":
            assert getattr(request, name) == schema["default"], name
    assert request.listing.external_ids == EXECUTION_INPUT["external_ids"]["default"]


def test_pages_and_matches_have_one_default_and_one_maximum() -> None:
    for method in (Gallery.list_faces, Gallery.list_collections):
        assert inspect.signature(method).parameters["limit"].default == limits.DEFAULT_PAGE
    (listed,) = (each for each in faces.commands["list"].params if each.name == "limit")
    assert (listed.default, bounds_of(listed)) == (limits.DEFAULT_PAGE, (1, limits.MAX_PAGE))
    (matches,) = (each for each in match.params if each.name == "limit")
    assert (matches.default, bounds_of(matches)) == (
        GalleryDefaults().limit,
        (1, limits.MAX_MATCHES),
    )
    rest = MatchRequest.model_json_schema()["properties"]["limit"]
    assert bounds_in_json(rest) == (1, limits.MAX_MATCHES)


def test_an_unknown_quality_filter_is_named() -> None:
    unknown: Any = "SHARP"
    with pytest.raises(InvalidInputError, match="unknown quality filter 'SHARP'"):
        GalleryDefaults().probe_options(quality_filter=unknown)
