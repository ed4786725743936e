"""A run over an S3 Inventory or a manifest of S3 objects reads only changed photos."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from moto import mock_aws

from facerec.errors import InvalidInputError
from facerec.jobs.difference import Difference
from facerec.jobs.ledger.report import write_report
from facerec.jobs.plan import Plan
from facerec.jobs.stale_faces import remove_stale
from facerec.storage.objects.lookup import Lookup
from tests.functional.jobs.test_jobs_in_s3 import ROOT, S3Job

PHOTOS = 40


class NightlyJob(S3Job):
    """A bucket of photos that is indexed every night."""

    def inventory(self, columns: str = "Bucket, Key, Size, ETag", prefix: str = "all/") -> str:
        """Write an inventory of the bucket as it is now; return its address."""
        rows = [
            f'"photos","{found.uri.removeprefix("s3://photos/")}","9",{found.version}'
            for found in reversed(list(self.objects.list(f"s3://photos/{prefix}")))
        ]
        if "ETag" not in columns:
            rows = [row.rpartition(",")[0] for row in rows]
        content = gzip.compress("".join(f"{row}\n" for row in rows).encode())
        self.objects.write("s3://work/inventory/0.csv.gz", content)
        document = {
            "sourceBucket": "photos",
            "destinationBucket": "arn:aws:s3:::work",
            "fileFormat": "CSV",
            "fileSchema": columns,
            "files": [{"key": "inventory/0.csv.gz", "size": len(content)}],
        }
        self.objects.write("s3://work/inventory/manifest.json", json.dumps(document).encode())
        return "s3://work/inventory/manifest.json"

    def lines(self, keys: Sequence[str]) -> str:
        """Write a manifest; return its address."""
        self.objects.write(
            "s3://work/list.txt", "".join(f"s3://photos/{key}\n" for key in keys).encode()
        )
        return "s3://work/list.txt"

    def night(self, manifest: str, **settings: object) -> tuple[Difference | None, Counter[str]]:
        """Run the job of a manifest; return the difference and the requests of the planner."""
        with self.requests() as counted:
            plan = self.plan(manifest, **settings)
        self.run(plan)
        remove_stale(plan, self.objects, self.faces, self.faces, ROOT, self.delete)
        write_report(plan, self.objects, tolerated_failure_percentage=9)
        return plan.difference, counted

    def delete(self, collection_id: str, face_ids: Sequence[str]) -> int:
        self.faces.delete_faces(collection_id, list(face_ids))
        return len(face_ids)

    def sources(self) -> list[str]:
        faces = self.faces.list_faces("staff", limit=1000)
        return sorted(face.source.rpartition("/")[2] for face in faces)


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NightlyJob]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        job = NightlyJob(tmp_path)
        job.photos("all", PHOTOS)
        yield job


def by_inventory(job: NightlyJob) -> str:
    return job.inventory()


def by_inventory_without_etags(job: NightlyJob) -> str:
    return job.inventory("Bucket, Key, Size")


def by_manifest(job: NightlyJob) -> str:
    found = job.objects.list("s3://photos/all/")
    return job.lines([each.uri.removeprefix("s3://photos/") for each in found])


SOURCES = [by_inventory, by_inventory_without_etags, by_manifest]
Source = Callable[[NightlyJob], str]


@pytest.mark.parametrize("source", SOURCES)
def test_an_unchanged_night_analyses_nothing(nights: NightlyJob, source: Source) -> None:
    nights.night(source(nights))
    analysed = nights.engine.analysed
    found, _ = nights.night(f"{source(nights)}")
    assert nights.engine.analysed == analysed == PHOTOS
    assert found is None or (found.unchanged, found.to_process) == (PHOTOS, 0)


@pytest.mark.parametrize("source", SOURCES)
def test_only_new_and_replaced_photos_are_analysed(nights: NightlyJob, source: Source) -> None:
    nights.night(source(nights))
    analysed = nights.engine.analysed
    nights.photo("all/0003.jpg", "somebody else")
    nights.photo("all/new.jpg", "somebody new")
    found, _ = nights.night(source(nights))
    assert found == Difference(photos=PHOTOS + 1, unchanged=PHOTOS - 1, new=1, changed=1)
    assert nights.engine.analysed == analysed + 2
    assert len(nights.sources()) == PHOTOS + 1


def test_the_versions_of_a_manifest_cost_one_listing(nights: NightlyJob) -> None:
    nights.night(by_manifest(nights))
    nights.photo("all/new.jpg", "somebody new")
    _, requests = nights.night(by_manifest(nights))
    # Of these, one lists the photos; the others find the jobs.
    _, of_the_planner = nights.night(nights.inventory())
    assert requests["ListObjectsV2"] <= of_the_planner["ListObjectsV2"] + 1
    assert requests["HeadObject"] < PHOTOS


@pytest.mark.parametrize("source", [by_inventory, by_inventory_without_etags])
def test_photos_that_an_inventory_no_longer_has_are_pruned(
    nights: NightlyJob, source: Source
) -> None:
    nights.photo("elsewhere/1.jpg", "elsewhere")
    nights.night("s3://photos/elsewhere/")
    nights.night(source(nights), prune=True)
    nights.client.delete_object(Bucket="photos", Key="all/0007.jpg")
    # This photo is newer than the inventory.
    inventory = source(nights)
    nights.photo("all/late.jpg", "late")
    nights.night("s3://photos/all/late.jpg")
    found, _ = nights.night(inventory, prune=True)
    assert found is not None
    assert found.gone == 1
    names = nights.sources()
    assert "0007.jpg" not in names
    assert {"late.jpg", "1.jpg"} <= set(names)
    assert len(names) == PHOTOS - 1 + 2


def test_a_manifest_may_not_prune(nights: NightlyJob) -> None:
    with pytest.raises(InvalidInputError, match="a manifest does not show which photos are gone"):
        nights.plan(by_manifest(nights), prune=True)


def test_each_version_of_an_object_that_a_manifest_names_keeps_its_faces(
    nights: NightlyJob,
) -> None:
    nights.client.put_bucket_versioning(
        Bucket="photos", VersioningConfiguration={"Status": "Enabled"}
    )
    for person in ("old", "new"):
        nights.photo("versions/1.jpg", person)
    found = nights.client.list_object_versions(Bucket="photos", Prefix="versions/")["Versions"]
    lines = [
        {"image": "s3://photos/versions/1.jpg", "version_id": each["VersionId"]} for each in found
    ]

    def night(number: int) -> Plan:
        content = "".join(f"{json.dumps(line)}\n" for line in lines[:number])
        nights.objects.write("s3://work/versions.jsonl", content.encode())
        plan = nights.plan("s3://work/versions.jsonl")
        nights.run(plan)
        remove_stale(plan, nights.objects, nights.faces, nights.faces, ROOT, nights.delete)
        return plan

    night(1)
    assert night(2).difference == Difference(photos=2, unchanged=1, new=0, changed=1)
    assert len(nights.sources()) == 2
    assert night(2).difference == Difference(photos=2, unchanged=1, new=0, changed=1)
    # The newest version alone: no version of the object was replaced by it.
    nights.night(nights.lines(["versions/1.jpg"]))
    assert nights.engine.analysed == 2
    assert len(nights.sources()) == 2


def test_objects_that_are_far_apart_are_asked_for_one_by_one(nights: NightlyJob) -> None:
    nights.photos("many", 30)
    uris = [f"s3://photos/many/{number:04d}.jpg" for number in range(40)]
    with nights.requests() as counted:
        found = Lookup(nights.objects).get(uris)
    assert [uri for uri, info in found.items() if info is None] == uris[30:]
    assert counted == {"ListObjectsV2": 1}
    with nights.requests() as counted:
        found = Lookup(nights.objects, max_requests=3).get(uris[:5])
    assert (len(found), counted) == (3, {"HeadObject": 3})


def test_a_lookup_finds_what_single_requests_find(nights: NightlyJob) -> None:
    for number in range(1100):
        nights.client.put_object(Bucket="photos", Key=f"dense/{number:05d}", Body=b"x")
    keys = [f"dense/{number:05d}" for number in range(0, 1300, 3)] + ["a", "dense", "dense/", "z"]
    uris = sorted(f"s3://{bucket}/{key}" for bucket in ("photos", "none") for key in keys)
    found = Lookup(nights.objects).get(uris)
    there = {f"s3://photos/dense/{number:05d}" for number in range(0, 1100, 3)}
    assert {uri: info is not None for uri, info in found.items()} == {
        uri: uri in there for uri in uris
    }
    some = uris[::12]
    single = {uri: info for uri in some for info in Lookup(nights.objects).get([uri]).values()}
    assert {uri: found[uri] for uri in some} == single
