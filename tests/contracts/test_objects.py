"""What every store of objects does alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import boto3
import pytest
from moto import mock_aws
from moto.s3.exceptions import PreconditionFailed
from moto.s3.responses import S3Response

from facerec.errors import ObjectChangedError, ObjectNotFoundError
from facerec.storage.objects import Objects, ObjectStore
from facerec.storage.objects.changing import change_file, change_object
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectInfo
from facerec.storage.objects.s3 import S3Objects
from tests.support.lost_responses import lose_responses, refuse_repetitions


@pytest.fixture(params=["local", "s3", "routed"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[ObjectStore, str]]:
    """A store, and the folder in it that is the test's own."""
    if request.param == "local":
        yield LocalObjects(), f"{tmp_path}/"
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    # moto looks at a condition and writes in two steps, which S3 does in one.
    one_at_a_time, put_object = threading.Lock(), S3Response.put_object

    def put_one(response: S3Response) -> object:
        with one_at_a_time:
            return put_object(response)

    monkeypatch.setattr(S3Response, "put_object", put_one)
    with mock_aws():
        place = {"LocationConstraint": "eu-west-1"}
        boto3.client("s3").create_bucket(Bucket="bucket", CreateBucketConfiguration=place)
        objects: ObjectStore = S3Objects()
        if request.param == "routed":
            objects = Objects()
        yield objects, "s3://bucket/work/"


Place = tuple[ObjectStore, str]


def test_an_object_is_read_whole_and_in_ranges(place: Place) -> None:
    objects, folder = place
    uri = f"{folder}deep/er/name with spaces & ümläuts.bin"
    assert objects.write(uri, b"0123456789")
    assert objects.read(uri) == b"0123456789"
    assert objects.read(uri, start=3, end=5) == b"34"
    assert objects.read(uri, start=8) == b"89"
    assert objects.read(uri, start=8, end=99) == b"89"
    assert objects.read(uri, end=2) == b"01"
    assert objects.read(uri, start=10) == b""
    assert objects.read(uri, start=10, end=20) == b""
    assert objects.read(uri, start=5, end=5) == b""
    assert objects.head(uri).size == 10


def test_an_empty_object_exists(place: Place) -> None:
    objects, folder = place
    objects.write(f"{folder}empty", b"")
    assert objects.read(f"{folder}empty") == b""
    assert objects.read(f"{folder}empty", end=100) == b""
    assert objects.head(f"{folder}empty").size == 0


def test_a_version_pins_the_content(place: Place) -> None:
    objects, folder = place
    uri = f"{folder}a"
    objects.write(uri, b"one")
    version = objects.head(uri).version
    assert objects.read(uri, start=1, end=2, version=version) == b"n"
    objects.write(uri, b"other")
    assert objects.head(uri).version != version
    for ranges in ({}, {"start": 1, "end": 2}):
        with pytest.raises(ObjectChangedError) as raised:
            objects.read(uri, version=version, **ranges)  # type: ignore[arg-type]
        assert raised.value.uri == uri


def test_writing_if_absent_keeps_an_existing_object(place: Place) -> None:
    objects, folder = place
    assert objects.write(f"{folder}a", b"one", if_absent=True)
    assert not objects.write(f"{folder}a", b"two", if_absent=True)
    assert objects.read(f"{folder}a") == b"one"
    assert objects.write(f"{folder}a", b"two")
    assert objects.read(f"{folder}a") == b"two"


def test_an_object_is_replaced_only_in_the_version_that_was_read(
    place: Place, tmp_path: Path
) -> None:
    objects, folder = place
    uri = f"{folder}deep/a"
    objects.write(uri, b"one")
    content, found = objects.fetch(uri)
    assert (content, found.size) == (b"one", 3)
    assert found.version == objects.head(uri).version
    assert objects.replace(uri, b"other", version=found.version)
    assert not objects.replace(uri, b"late", version=found.version)
    assert objects.read(uri) == b"other"
    (tmp_path / "file").write_bytes(b"from a file")
    assert not objects.replace(uri, tmp_path / "file", version=found.version)
    assert objects.replace(uri, tmp_path / "file", version=objects.head(uri).version)
    assert objects.read(uri) == b"from a file"
    version = objects.head(uri).version
    objects.delete(uri)
    with pytest.raises(ObjectNotFoundError):
        objects.replace(uri, b"late", version=version)
    with pytest.raises(ObjectNotFoundError):
        objects.fetch(uri)


def test_changes_at_the_same_moment_all_remain(place: Place) -> None:
    objects, folder = place
    uri = f"{folder}a"
    objects.write(uri, bytes(range(8)))

    def remove(number: int) -> int:
        return change_object(
            objects, uri, lambda content: (content.replace(bytes([number]), b""), number)
        )

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(remove, range(7))) == list(range(7))
    assert objects.read(uri) == bytes([7])
    assert change_object(objects, uri, lambda content: (None, len(content))) == 1
    with pytest.raises(ObjectNotFoundError):
        objects.head(uri)


def heed_conditions_of_uploads_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto check If-Match when an upload in parts is completed, as S3 does."""
    parts_of = S3Response._complete_multipart_body

    def checked(response: Any, body: bytes) -> Any:  # noqa: ANN401 - moto has no static types
        wanted = response.headers.get("If-Match")
        found = response.backend.get_object(response.bucket_name, response.parse_key_name())
        if wanted and wanted != found.etag:
            raise PreconditionFailed("If-Match")
        return parts_of(response, body)

    monkeypatch.setattr(S3Response, "_complete_multipart_body", checked)


def test_a_large_file_changes_only_in_the_version_that_was_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects, folder = place
    heed_conditions_of_uploads_in_parts(monkeypatch)
    monkeypatch.setattr("facerec.storage.objects.s3.MAX_PUT_BYTES", 2**20)
    monkeypatch.setattr("facerec.storage.objects.s3.PART_BYTES", 5 * 2**20)
    uri = f"{folder}list"
    objects.write(uri, b"one\n")
    others = [b"two\n"]

    def grow(found: ObjectInfo, file: IO[bytes]) -> int:
        file.write(objects.read(uri, version=found.version) + b"x" * 6 * 2**20)
        if others:
            objects.write(uri, others.pop())
        return 1

    assert change_file(objects, uri, grow) == 1
    assert objects.read(uri) == b"two\n" + b"x" * 6 * 2**20


def test_a_file_becomes_an_object(place: Place, tmp_path: Path) -> None:
    objects, folder = place
    (tmp_path / "here").write_bytes(b"x" * 100_000)
    objects.write_file(f"{folder}there/it/is", tmp_path / "here")
    assert objects.read(f"{folder}there/it/is") == b"x" * 100_000


def test_a_missing_object_is_named(place: Place) -> None:
    objects, folder = place
    with pytest.raises(ObjectNotFoundError) as raised:
        objects.read(f"{folder}missing")
    assert raised.value.uri == f"{folder}missing"
    with pytest.raises(ObjectNotFoundError):
        objects.head(f"{folder}missing")
    objects.delete(f"{folder}missing")


def test_objects_are_listed_in_order_with_their_sizes(place: Place) -> None:
    objects, folder = place
    names = ["a-b", "a.b/c", "a/b", "a/b-c", "a/b.d/e", "ab/c/d", "z"]
    for name in reversed(names):
        objects.write(folder + name, name.encode())
    found = list(objects.list(folder))
    assert [info.uri.removeprefix(folder) for info in found] == names
    assert all(info.size == len(info.uri) - len(folder) for info in found)
    assert all(objects.head(info.uri) == info for info in found)


def test_listing_takes_any_prefix(place: Place) -> None:
    objects, folder = place
    for name in ("left/1", "left/2", "left-over", "leave/1", "right/1"):
        objects.write(folder + name, b"")
    listed = [info.uri.removeprefix(folder) for info in objects.list(f"{folder}left")]
    assert listed == ["left-over", "left/1", "left/2"]
    assert list(objects.list(f"{folder}nothing/")) == []


def test_only_direct_subfolders_are_listed(place: Place) -> None:
    objects, folder = place
    for name in ("one/a", "one/b/c", "two/a", "file"):
        objects.write(folder + name, b"")
    assert list(objects.folders(folder)) == [f"{folder}one/", f"{folder}two/"]
    assert list(objects.folders(f"{folder}nothing/")) == []


def test_a_folder_is_deleted_with_its_content(place: Place) -> None:
    objects, folder = place
    for name in ("one/a", "one/b/c", "one-more"):
        objects.write(folder + name, b"")
    objects.delete_folder(f"{folder}one/")
    objects.delete_folder(f"{folder}nothing/")
    assert [info.uri for info in objects.list(folder)] == [f"{folder}one-more"]
    objects.delete(f"{folder}one-more")
    assert list(objects.list(folder)) == []


@pytest.mark.parametrize("place", ["s3"], indirect=True)
@pytest.mark.parametrize("kind", ["new", "changed", "changed to a file"])
@pytest.mark.parametrize("lose", [lose_responses, refuse_repetitions])
def test_a_conditional_write_whose_response_was_lost_has_succeeded(
    place: Place, tmp_path: Path, kind: str, lose: Callable[[Any, str], None]
) -> None:
    objects, folder = place
    assert isinstance(objects, S3Objects)
    uri, content = f"{folder}plan.json", b"of this process"
    file = tmp_path / "content"
    file.write_bytes(content)
    if kind != "new":
        objects.write(uri, b"earlier")
    version = "" if kind == "new" else objects.head(uri).version

    def write() -> bool:
        if kind == "new":
            return objects.write(uri, content, if_absent=True)
        return objects.replace(uri, content if kind == "changed" else file, version=version)

    lose(objects._client, "s3.PutObject")
    assert write()
    assert objects.read(uri) == content
    # An object of somebody else is recognised, also if the request was repeated.
    objects.write(uri, b"of another process")
    lose(objects._client, "s3.PutObject")
    assert not write()
    assert objects.read(uri) == b"of another process"
