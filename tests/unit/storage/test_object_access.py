from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from facerec.errors import AccessDeniedError, ObjectChangedError, ObjectNotFoundError
from facerec.storage.objects import AccessPolicy, Objects
from facerec.storage.objects.access import ResolvedUri


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    bucket, own = tmp_path / "bucket", tmp_path / "own"
    for folder in (bucket / "b", own):
        folder.mkdir(parents=True)
    for name in ("a.jpg", "b/c.jpg", "b/d é.jpg"):
        (bucket / name).write_bytes(name.encode())
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (bucket / "b" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    return Objects(
        AccessPolicy({"photos": bucket}, buckets=frozenset({"real"}), own_folder=f"{own}/")
    )


def test_files_of_a_folder_are_read_by_address(objects: Objects) -> None:
    assert objects.read("s3://photos/b/d é.jpg") == "b/d é.jpg".encode()
    assert objects.read("s3://photos/a.jpg", start=1, end=3) == b".j"
    info = objects.head("s3://photos/a.jpg")
    assert (info.uri, info.size) == ("s3://photos/a.jpg", 5)


def test_files_of_a_folder_are_listed_by_address_without_links_that_leave_it(
    objects: Objects,
) -> None:
    listed = [info.uri for info in objects.list("s3://photos/")]
    assert listed == ["s3://photos/a.jpg", "s3://photos/b/c.jpg", "s3://photos/b/d é.jpg"]
    assert list(objects.folders("s3://photos/")) == ["s3://photos/b/"]
    assert [info.uri for info in objects.list("s3://photos/b/c")] == ["s3://photos/b/c.jpg"]


@pytest.mark.parametrize(
    "uri",
    [
        "s3://photos/../secret.jpg",
        "s3://photos/../bucket/a.jpg",
        "s3://photos/b/link.jpg",
        "s3://photos//etc/passwd",
        "s3://another/a.jpg",
        "/etc/passwd",
        "relative.jpg",
        "file:///etc/passwd",
        "",
    ],
)
def test_nothing_else_is_read(objects: Objects, uri: str) -> None:
    with pytest.raises(AccessDeniedError):
        objects.read(uri)
    with pytest.raises(AccessDeniedError):
        list(objects.list(uri))


def test_invalid_keys_are_not_found(objects: Objects) -> None:
    for uri in ("s3://photos/missing", "s3://photos/", "s3://photos/zero\0byte", "s3://photos/b"):
        with pytest.raises(ObjectNotFoundError):
            objects.read(uri)


@pytest.mark.parametrize("key", ["missing", "b", "b/link.jpg", "a.jpg/x", "zero\0byte", "n" * 300])
def test_errors_name_the_address_of_the_caller_and_no_path(
    tmp_path: Path, objects: Objects, key: str
) -> None:
    uri = f"s3://photos/{key}"
    calls: list[Callable[[], object]] = [
        lambda: objects.read(uri),
        lambda: objects.read(uri, version_id="v1"),
        lambda: objects.head(uri),
    ]
    for call in calls:
        with pytest.raises((ObjectNotFoundError, AccessDeniedError)) as raised:
            call()
        assert uri in raised.value.message
        assert str(tmp_path) not in str(vars(raised.value))


def test_a_changed_file_is_named_by_its_address(tmp_path: Path, objects: Objects) -> None:
    with pytest.raises(ObjectChangedError) as raised:
        objects.read("s3://photos/a.jpg", version="older")
    assert raised.value.uri == "s3://photos/a.jpg"
    assert str(tmp_path) not in str(vars(raised.value))


def test_paths_may_be_read_and_not_written(tmp_path: Path) -> None:
    objects = Objects(AccessPolicy(buckets=frozenset(), reads_paths=True))
    path = tmp_path / "a.jpg"
    path.write_bytes(b"a")
    assert objects.read(str(path)) == b"a"
    with pytest.raises(AccessDeniedError):
        objects.write(str(path), b"b")
    with pytest.raises(AccessDeniedError):
        objects.read("relative.jpg")
    with pytest.raises(AccessDeniedError):
        objects.read("s3://photos/a.jpg")


def test_only_the_servers_own_folder_is_written(tmp_path: Path, objects: Objects) -> None:
    own = f"{tmp_path}/own/"
    assert objects.write(f"{own}jobs/plan.json", b"plan")
    assert objects.read(f"{own}jobs/plan.json") == b"plan"
    objects.delete(f"{own}jobs/plan.json")
    objects.delete_folder(f"{own}jobs/")
    for uri in ("s3://photos/new.jpg", "s3://real/new.jpg", f"{own}../new.jpg", "/tmp/new.jpg"):
        with pytest.raises(AccessDeniedError):
            objects.write(uri, b"new")
        with pytest.raises(AccessDeniedError):
            objects.delete(uri)


@pytest.mark.parametrize("swapped", ["a.jpg", "b"])
def test_a_file_that_is_swapped_with_a_link_once_it_was_looked_at_is_not_read(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    bucket, secret = tmp_path / "bucket", tmp_path / "outside"
    secret.mkdir()
    (secret / "c.jpg").write_bytes(b"secret")
    target = secret if swapped == "b" else secret / "c.jpg"
    resolve = AccessPolicy.resolve_read

    def resolve_and_swap(policy: AccessPolicy, uri: str) -> ResolvedUri:
        resolved = resolve(policy, uri)
        (bucket / swapped).rename(tmp_path / "old")
        (bucket / swapped).symlink_to(target)
        return resolved

    monkeypatch.setattr(AccessPolicy, "resolve_read", resolve_and_swap)
    uri = "s3://photos/a.jpg" if swapped == "a.jpg" else "s3://photos/b/c.jpg"
    with pytest.raises(ObjectNotFoundError):
        objects.read(uri)
