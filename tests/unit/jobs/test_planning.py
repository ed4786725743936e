"""Planning: what a source is, how many children share it, and which job it is."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from facerec.core.limits import MAX_CHILDREN
from facerec.core.schemas import violation
from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.manifest.entries import LineParser, ManifestEntry
from facerec.jobs.manifest.inspection import SAMPLE
from facerec.jobs.manifest.source import LineFormat, SourceKind
from facerec.jobs.outcomes import Outcome, PhotoFailure
from facerec.jobs.plan import Plan, plan_from_json, read_collection_id, read_plan
from facerec.jobs.planning.children import images_per_child
from facerec.jobs.planning.planner import plan_job
from facerec.jobs.planning.request import JobRequest, read_job_request
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectInfo
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import fake_face, fake_photo
from tests.support.jobs import LocalJob, job_input, write_manifest, write_photos
from tests.support.settled import let_files_settle


def plan(tmp_path: Path, source: Path | str, **settings: object) -> Plan:
    return planned_by(tmp_path, job_input(source, **settings), LocalObjects())


def planned_by(
    tmp_path: Path,
    request: JobRequest,
    objects: LocalObjects,
    **settings: Any,  # noqa: ANN401 - of plan_job
) -> Plan:
    with SqliteStore(tmp_path / "data" / "store.sqlite") as records:
        return plan_job(
            request,
            objects,
            records,
            **{"jobs_root": f"{tmp_path}/jobs/", "model_version": "fake-1", **settings},
        )


@pytest.mark.parametrize(
    ("name", "content", "format", "images"),
    [
        ("a.jsonl", b'{"image": "a.jpg"}\n{"image": "b.jpg"}', LineFormat.JSONL, 2),
        ("a", b'\n{"image": "a.jpg"}\r\n\r\n', LineFormat.JSONL, 1),
        ("a.csv", b"image,external_image_id\na.jpg,ann\nb.jpg,bob\n", LineFormat.CSV, 2),
        ("a", b"version_id,Image\n,a.jpg", LineFormat.CSV, 1),
        ("a.txt", b"s3://bucket/a.jpg\nb.jpg\nc.jpg", LineFormat.URIS, 3),
        ("a.lst", b"a.jpg\n\n \nb.jpg\n", LineFormat.URIS, 2),
        ("a.txt", b'{"image": "a.jpg"}\n', LineFormat.URIS, 1),
        ("a.jsonl", b"\xef\xbb\xbfa.jpg\n", LineFormat.JSONL, 1),
        ("a.csv", b"\xef\xbb\xbfimage\r\na.jpg\r\n", LineFormat.CSV, 1),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_formats_are_recognised_by_name_and_first_line(
    tmp_path: Path, name: str, content: bytes, format: LineFormat, images: int, compressed: bool
) -> None:
    path = tmp_path / (name + ".gz" * compressed)
    path.write_bytes(gzip.compress(content) if compressed else content)
    planned = plan(tmp_path, path)
    assert planned.source.format is format
    assert planned.source.kind is (SourceKind.STRIPES if compressed else SourceKind.RANGES)
    assert (planned.estimated_photos, planned.exact) == (images, True)
    assert planned.children == min(1, images)
    assert planned.base == f"{tmp_path}/"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"picture\na.jpg\n", "has no column `image`"),
        ("a.txt", "a.jpg\n".encode("utf-16"), "is UTF-16"),
        ("a.json", b'[{"image": "a.jpg"}]', "is a JSON array"),
        ("a.json", b'[\n  "a.jpg"\n]\n', "is a JSON array"),
        ("a.jsonl", b'[{"image": "a.jpg"}]', "is a JSON array"),
        ("a.gz", b"\x1f\x8bnot really", "damaged gzip file"),
        ("manifest.json", b'{"fileSchema": ', "is not JSON"),
        ("manifest.json", b'{"fileSchema": "Bucket, Key"}', "'destinationBucket' is a required"),
        (
            "manifest.json",
            b'{"fileSchema": "x", "destinationBucket": "b", "fileFormat": "ORC", "files": []}',
            "in the format ORC",
        ),
        (
            "manifest.json",
            b'{"fileSchema": "Key", "destinationBucket": "b", "fileFormat": "CSV", "files": []}',
            "an inventory without Bucket",
        ),
    ],
)
def test_an_invalid_manifest_is_refused_with_the_reason(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInputError, match=message):
        plan(tmp_path, tmp_path / name)


def test_a_manifest_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFoundError, match=r"missing\.jsonl does not exist"):
        plan(tmp_path, tmp_path / "missing.jsonl")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"manifest": "a"}, "'collection_id' is a required property"),
        ({"collection_id": "staff"}, "is not valid under any of the given schemas"),
        ({"collection_id": "no spaces", "manifest": "a"}, "collection_id: the value does not"),
        ({"collection_id": "line\n", "manifest": "a"}, "collection_id: "),
        ({"collection_id": "a", "manifest": "a", "options": {"max_faces": 0}}, "options.max_faces"),
        ({"collection_id": "a", "manifest": "a", "images_per_child": 0}, "images_per_child: 0"),
        ({"collection_id": "a", "manifest": "a", "x": 1}, "unknown fields: 'x'"),
        ([], "is not of type 'object'"),
    ],
)
def test_the_error_of_an_invalid_input_names_the_field(document: object, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read_job_request(document)


class HugeObject(LocalObjects):
    """One manifest of any size whose lines are all alike, and what is asked of it."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.asked: list[tuple[str, int]] = []

    def head(self, uri: str) -> ObjectInfo:
        if not uri.startswith("s3://"):
            return super().head(uri)
        self.asked.append(("head", 0))
        return ObjectInfo(uri, self.size, "etag")

    def read(self, uri: str, *, start: int = 0, end: int | None = None, **pinned: object) -> bytes:  # type: ignore[override]
        if not uri.startswith("s3://"):
            return super().read(uri, start=start, end=end, **pinned)  # type: ignore[arg-type]
        assert end is not None
        self.asked.append(("read", end - start))
        return (b"s3://bucket/" + b"a" * 87 + b"\n") * ((end - start) // 100)


@pytest.mark.parametrize(
    ("images", "children"),
    [(1, 1), (500, 1), (10_000, 20), (128_000, 256), (300_000, 256), (10**6, 500)],
)
def test_the_number_of_children_follows_the_concurrency_within_bounds(
    images: int, children: int
) -> None:
    assert -(-images // images_per_child(images)) == pytest.approx(children, abs=1)


@pytest.mark.parametrize("size", [10**6, 10**9, 10**11])
def test_planning_costs_one_head_and_one_sample_at_any_size(tmp_path: Path, size: int) -> None:
    objects = HugeObject(size)
    request = job_input("s3://bucket/list.txt", images_per_child=1000)
    planned = planned_by(tmp_path, request, objects)
    assert [what for what, _ in objects.asked] == ["head", "read"]
    assert sum(length for _, length in objects.asked) <= SAMPLE
    assert planned.estimated_photos == pytest.approx(size / 100, rel=0.001)
    assert planned.children == pytest.approx(size / 10**5, rel=0.001)
    assert len(json.dumps(planned.to_json())) < 8192


def test_a_job_has_no_more_children_than_a_workflow_can_carry(tmp_path: Path) -> None:
    request = job_input("s3://bucket/list.txt", images_per_child=1)
    planned = planned_by(tmp_path, request, HugeObject(10**12))
    assert planned.children == MAX_CHILDREN
    assert len(json.dumps(planned.to_json())) < 32 * 1024


def test_a_plan_survives_json_and_follows_its_schema(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 9)
    planned = plan(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    document = json.loads(json.dumps(planned.to_json()))
    assert violation("plan", document) is None
    assert plan_from_json(document) == planned
    assert read_plan(LocalObjects(), planned.job_folder) == planned
    assert document["arrays"] == [{"offset": 0, "size": 2}]


def test_the_same_input_is_the_same_job_and_another_is_a_different_one(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    first = plan(tmp_path, manifest)
    assert plan(tmp_path, manifest) == first
    assert plan(tmp_path, os.path.relpath(manifest)) == first
    others = [
        plan(tmp_path, manifest, options={"max_faces": 3}),
        plan(tmp_path, manifest, images_per_child=2),
        plan(tmp_path, manifest, collection_id="guests"),
    ]
    write_manifest(manifest, photos[:2])
    others.append(plan(tmp_path, manifest))
    assert len({first.job_id, *(other.job_id for other in others)}) == 5
    assert first.job_id.startswith("staff-")


def test_a_chosen_folder_holds_one_job_only(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    folder = f"{tmp_path}/own/"

    def plan_in_folder(**settings: object) -> Plan:
        request = job_input(manifest, **settings)
        return planned_by(tmp_path, request, LocalObjects(), job_folder=folder)

    first = plan_in_folder()
    assert first.job_folder == folder
    assert plan_in_folder() == first
    with pytest.raises(InvalidInputError, match="contains another job"):
        plan_in_folder(collection_id="b")


def test_a_folder_is_listed_with_names_that_follow_from_its_paths(tmp_path: Path) -> None:
    folder = tmp_path / "people"
    for path in ("Ann Lee/1.jpg", "Bob/2.jpg", "Bob-x/3.jpg", "notes.txt", ".hidden/4.jpg", ".x"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(fake_photo(fake_face(path)))
    let_files_settle()
    job = LocalJob(tmp_path, folder)
    job.run()
    assert [(Path(row.photo).name, row.external_image_id) for row in job.rows()] == [
        ("1.jpg", "Ann.x20Lee:1.jpg"),
        ("3.jpg", "Bob-x:3.jpg"),
        ("2.jpg", "Bob:2.jpg"),
        ("notes.txt", None),
    ]
    assert LocalJob(tmp_path, f"{folder}/", faces=job.faces).plan == job.plan
    (folder / "Bob" / "2.jpg").write_bytes(fake_photo())
    assert LocalJob(tmp_path, folder, faces=job.faces).plan.job_id != job.plan.job_id


def test_a_folder_that_holds_its_own_job_folder_does_not_index_that(tmp_path: Path) -> None:
    write_photos(tmp_path, 3)
    first = LocalJob(tmp_path / "data", tmp_path, engine=None)
    assert first.plan.estimated_photos >= 3
    request = job_input(tmp_path)
    planned = planned_by(tmp_path, request, LocalObjects(), jobs_root=f"{tmp_path}/data/")
    assert planned.estimated_photos == 3


@pytest.mark.parametrize("content", [None, b"", b" \n\n", b"image\n"])
def test_a_source_without_photos_is_refused_and_leaves_nothing(
    tmp_path: Path, content: bytes | None
) -> None:
    source = tmp_path / "none.csv"
    source.mkdir() if content is None else source.write_bytes(content)
    with pytest.raises(InvalidInputError, match="contains no photos"):
        plan(tmp_path, source)
    assert not (tmp_path / "jobs").exists()
    with SqliteStore(tmp_path / "data" / "store.sqlite") as store:
        assert store.list_collections() == []


def test_a_plan_says_whether_the_collection_was_created_for_its_job(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    more = write_manifest(tmp_path / "more.jsonl", photos[1:])
    assert plan(tmp_path, manifest).new_collection
    assert not plan(tmp_path, more).new_collection
    # The same request again finds the job that created the collection.
    assert plan(tmp_path, manifest).new_collection


def test_a_collection_that_was_created_again_is_another_job(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path / "list.jsonl", write_photos(tmp_path / "photos", 3))
    first = plan(tmp_path, manifest)
    with SqliteStore(tmp_path / "data" / "store.sqlite") as store:
        store.delete_collection("staff")
    again = plan(tmp_path, manifest)
    assert again.collection_created_at > first.collection_created_at
    assert again.job_id != first.job_id


def test_a_job_folder_of_another_release_is_refused_with_what_to_do(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path / "list.jsonl", write_photos(tmp_path / "photos", 3))
    first = plan(tmp_path, manifest)
    path = Path(first.job_folder, "plan.json")
    document = json.loads(path.read_text())
    del document["version"], document["collection_created_at"]
    document |= {"estimated_images": document.pop("estimated_photos")}
    path.write_text(json.dumps({**document, "tolerated_failure_percentage": 5.0}))
    with pytest.raises(InvalidInputError, match="written by another release") as raised:
        read_plan(LocalObjects(), first.job_folder)
    assert "index the photos again as a new job" in (raised.value.hint or "")
    assert read_collection_id(LocalObjects(), first.job_folder) == "staff"


def test_a_single_photo_is_a_job_of_one_named_after_its_file(tmp_path: Path) -> None:
    photo = tmp_path / "ann.jpg"
    photo.write_bytes(fake_photo(fake_face("ann")))
    job = LocalJob(tmp_path, photo)
    job.run()
    (row,) = job.rows()
    assert (row.photo, row.external_image_id) == (str(photo), "ann.jpg")


def test_a_photo_is_recognised_by_its_bytes_if_not_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    assert plan(tmp_path, tmp_path / "photo").estimated_photos == 1


def test_photos_can_be_listed_in_the_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = write_photos(tmp_path, 2)
    monkeypatch.chdir(tmp_path)
    job = read_job_request(
        {
            "collection_id": "staff",
            "create_collection": True,
            "images": [photos[0].name, {"image": str(photos[1]), "external_image_id": "bob"}],
        }
    )
    planned = planned_by(tmp_path, job, LocalObjects())
    assert (planned.estimated_photos, planned.exact) == (2, True)
    listed = Path(planned.source.uri).read_text().splitlines()
    assert [json.loads(line)["image"] for line in listed] == [str(photo) for photo in photos]


def listed(tmp_path: Path, files: list[str], **request: object) -> dict[str, str | None]:
    """Return the external image ids of a folder's photos by their paths in it."""
    folder = tmp_path / "listed"
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"a photo")
    job = read_job_request(
        {
            "collection_id": "staff",
            "create_collection": True,
            "manifest": f"{folder}/",
            **request,
        }
    )
    planned = planned_by(tmp_path, job, LocalObjects())
    lines = map(json.loads, Path(planned.source.uri).read_text().splitlines())
    return {
        line["image"].removeprefix(f"{folder}/"): line.get("external_image_id") for line in lines
    }


def test_photos_of_a_folder_are_named_after_their_paths(tmp_path: Path) -> None:
    assert listed(tmp_path, ["Ann_Lee/1.jpg", "张伟/1.jpg", "李娜/1.jpg", "b c.jpg"]) == {
        "Ann_Lee/1.jpg": "Ann_Lee:1.jpg",
        "b c.jpg": "b.x20c.jpg",
        "张伟/1.jpg": ".xE5.xBC.xA0.xE4.xBC.x9F:1.jpg",
        "李娜/1.jpg": ".xE6.x9D.x8E.xE5.xA8.x9C:1.jpg",
    }


def test_photos_of_a_folder_are_named_after_their_folders_where_asked_for(tmp_path: Path) -> None:
    files = ["Ann Lee/1.jpg", "Ann Lee/2.jpg", "club/Bob/1.jpg", "c.jpg"]
    assert listed(tmp_path, files, external_ids="folder") == {
        "Ann Lee/1.jpg": "Ann.x20Lee",
        "Ann Lee/2.jpg": "Ann.x20Lee",
        "c.jpg": "c.jpg",
        "club/Bob/1.jpg": "club:Bob",
    }


def test_photos_of_a_folder_have_no_external_image_ids_where_asked_for(tmp_path: Path) -> None:
    files = ["Ann Lee/1.jpg", "c.jpg"]
    named = listed(tmp_path, files, external_ids="none")
    assert named == dict.fromkeys(files)


def test_files_of_a_folder_are_included_and_excluded_by_patterns(tmp_path: Path) -> None:
    files = ["a.JPG", "b.cr2", "raw/c.jpg", "d.png", "e.jpeg"]
    found = listed(
        tmp_path, files, include=["*.jpg", "*.jpeg", "*.cr2"], exclude=["raw/*", "*.CR2"]
    )
    assert set(found) == {"a.JPG", "e.jpeg"}


@pytest.mark.parametrize(
    "name",
    [
        *("IMG_1.jpg.supplemental-metadata.json", "IMG_1.MOV", "IMG_1.xmp", "IMG_1.AAE", "x.THM"),
        *("Thumbs.db", "desktop.ini", "@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg", "#recycle/a.jpg"),
        *("__MACOSX/a.jpg", "$RECYCLE.BIN/a.jpg", "lost+found/a.jpg"),
    ],
)
def test_what_lies_beside_photos_is_skipped(name: str) -> None:
    parser = LineParser(LineFormat.URIS, (), "/photos/", local=True)
    row = parser.parse(name.encode())
    assert isinstance(row, PhotoFailure)
    assert row.outcome is Outcome.SKIPPED
    assert row.detail


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.HEIC", "a.json.jpg", "eaDir/a.jpg", "a.cr2"])
def test_what_may_be_a_photo_is_not_skipped(name: str) -> None:
    parser = LineParser(LineFormat.URIS, (), "/photos/", local=True)
    assert isinstance(parser.parse(name.encode()), ManifestEntry)


def test_a_compressed_manifest_of_several_members_counts_as_one(tmp_path: Path) -> None:
    file = io.BytesIO()
    for number in range(3):
        file.write(gzip.compress(f"{number}.jpg\n".encode()))
    (tmp_path / "list.txt.gz").write_bytes(file.getvalue())
    planned = plan(tmp_path, tmp_path / "list.txt.gz", images_per_child=1)
    assert planned.children >= 1
    job = LocalJob(tmp_path, tmp_path / "list.txt.gz", images_per_child=1)
    job.run()
    assert [Path(row.photo).name for row in job.rows()] == ["0.jpg", "1.jpg", "2.jpg"]
