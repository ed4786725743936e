"""Objects in Amazon S3, or in a service with the same protocol."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from facerec.core.aws_errors import aws_errors, is_repeated
from facerec.core.aws_region import aws_region
from facerec.errors import (
    AccessDeniedError,
    FacerecError,
    KeyDeniedError,
    ObjectArchivedError,
    ObjectChangedError,
    ObjectNotFoundError,
    OtherRegionError,
    ReadFailedError,
    RequesterPaysError,
    StoreUnavailableError,
)
from facerec.storage.objects.protocol import S3_ADDRESS, ObjectInfo
from facerec.storage.objects.s3_listing import ListedKey, list_in_parallel
from facerec.storage.objects.s3_pages import EVENT, parse_listed_objects

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

CONNECTIONS = 64
"""Maximum number of open connections: the number of threads that read concurrently (botocore's
default is 10)."""

CONFLICT_WAITS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Maximum seconds to wait before a conditional write is repeated that conflicted with another."""

ATTEMPTS = 3
"""Number of attempts to read an interrupted body, which botocore does not retry."""

MAX_PUT_BYTES = 5 * 1024**3
"""Maximum size of an object that one request can put.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html"""

PART_BYTES = 64 * 1024**2
"""Size in bytes of a part of a larger object, held in memory. An object has at most 10,000 parts,
so up to 625 GB: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""

PAGE = 1000
"""Maximum number of objects per request to list or delete.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""

# Codes, and the bare statuses that HEAD returns instead:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_MISSING = {"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "InvalidBucketName", "404"}
_INTERNAL = ("InternalError", "500")
"""Codes of a failure of S3 itself, which may concern a single object; `500` is the code of a
`HEAD`."""
_ARCHIVED = "InvalidObjectState"
_CHANGED = {"PreconditionFailed", "412"}
_CONFLICT = "ConditionalRequestConflict"

_KEY_UNUSABLE = {"KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.NotFoundException"}
_KEY_DENIED = re.compile("kms:Decrypt|ciphertext refers to a customer master key")
"""S3's errors about a KMS key: codes, and parts of the AccessDenied message. S3 returns them only
to callers in the key's account
(https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html)."""

_CREDENTIALS = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}


_REDIRECTS = {301, 302, 307, 400}
"""Statuses of S3 for a request that was sent to the wrong region; 400 if only the signature
names that region (AuthorizationHeaderMalformed)."""

_BUCKET = "facerec_bucket"
"""Key of the bucket in botocore's context of a request."""


class S3Objects:
    """An ``ObjectStore`` of S3 objects, addressed ``s3://bucket/key``; a version is an ETag.

    Safe to share between threads.
    """

    def __init__(
        self,
        client: Any = None,  # noqa: ANN401 - boto3 has no static types
        *,
        reads_other_regions: bool = True,
    ) -> None:
        """Create the store.

        Args:
            client: boto3's client; by default one with the region and credentials of the
                environment.
            reads_other_regions: Whether objects are read from buckets of other regions too. If not,
                reads from such a bucket raise ``OtherRegionError``: the first one reaches S3,
                further ones do not.
        """
        if client is None:
            from botocore.config import Config

            retries: Any = {"mode": "standard", "total_max_attempts": 8}
            client = _session().client(
                "s3",
                region_name=aws_region(),
                config=Config(max_pool_connections=CONNECTIONS, retries=retries),
            )
        self._client = client
        self._requester_pays: set[str] = set()
        self._other_regions: set[str] = set()
        events = client.meta.events
        events.register(EVENT, parse_listed_objects)
        if not reads_other_regions:
            events.register("before-parameter-build.s3.GetObject", _keep_bucket)
            events.register("needs-retry.s3.GetObject", self._note_region)

    def head(self, uri: str) -> ObjectInfo:
        """Return an object's size and ETag."""
        with _errors(uri, failing=_INTERNAL):
            found = self._client.head_object(**_address_of(uri))
        return ObjectInfo(uri, found["ContentLength"], found["ETag"])

    def read(
        self,
        uri: str,
        *,
        start: int = 0,
        end: int | None = None,
        version: str | None = None,
        version_id: str | None = None,
    ) -> bytes:
        """Return a range of an object's bytes."""
        if end is not None and end <= start:
            return b""
        request: dict[str, Any] = _address_of(uri)
        if start or end is not None:
            request["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        if version is not None:
            request["IfMatch"] = version
        if version_id is not None:
            request["VersionId"] = version_id
        with _errors(uri, failing=_INTERNAL):
            return self._get(request)[0]

    def fetch(
        self, uri: str, *, end: int | None = None, version_id: str | None = None
    ) -> tuple[bytes, ObjectInfo]:
        """Return the start of an object, with the size and ETag of the same response.

        If ``end`` is given, the version of an empty object is "".
        """
        request: dict[str, Any] = _address_of(uri)
        if end is not None:
            request["Range"] = f"bytes=0-{end - 1}"
        if version_id is not None:
            request["VersionId"] = version_id
        with _errors(uri, failing=_INTERNAL):
            content, answer = self._get(request)
        if not answer:
            # An empty object has no range; the response is an error without an ETag.
            return b"", ObjectInfo(uri, 0, "")
        total = answer.get("ContentRange", "").rpartition("/")[2]
        size = int(total) if total.isdigit() else len(content)
        return content, ObjectInfo(uri, size, answer["ETag"])

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        """Put an object; S3 checks the condition of ``if_absent``.

        If other requests change the object concurrently, S3 refuses all but one of them, and the
        request is repeated:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        condition = {"IfNoneMatch": "*"} if if_absent else {}
        try:
            with _errors(uri):
                self._put(uri, content, condition)
        except ObjectChangedError:
            return False
        return True

    def write_file(self, uri: str, path: Path) -> None:
        """Upload a file; a large one is sent in parts."""
        address = _address_of(uri)
        with _errors(uri):
            self._client.upload_file(str(path), address["Bucket"], address["Key"])

    def replace(self, uri: str, content: bytes | Path, *, version: str) -> bool:
        """Put an object if it still has a version; S3 checks this condition.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        try:
            with _errors(uri, {*_CHANGED, _CONFLICT}):
                if isinstance(content, Path) and content.stat().st_size > MAX_PUT_BYTES:
                    with self._own_success(uri, content, []), content.open("rb") as file:
                        self._put_in_parts(uri, file, version)
                else:
                    self._put(uri, content, {"IfMatch": version})
        except ObjectChangedError:
            return False
        return True

    def _put(self, uri: str, content: bytes | Path, condition: Mapping[str, str]) -> None:
        """Put an object; repeat the request if it conflicts with another one."""
        from botocore.exceptions import ClientError

        conflicts: list[ClientError] = []
        with self._own_success(uri, content, conflicts):
            for wait in (*CONFLICT_WAITS, None):
                try:
                    with _body(content) as body:
                        self._client.put_object(**_address_of(uri), Body=body, **condition)
                except ClientError as error:
                    if wait is None or error.response["Error"]["Code"] != _CONFLICT:
                        raise
                    conflicts.append(error)
                    # Without randomness, other writers would wait for the same time and conflict
                    # again.
                    time.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - no secret
                else:
                    return

    @contextmanager
    def _own_success(
        self, uri: str, content: bytes | Path, conflicts: Sequence[ClientError]
    ) -> Iterator[None]:
        """Recognise that a repeated conditional request fails because the first one succeeded.

        botocore repeats a request if the response was lost; the repetition conflicts with the first
        request while that is in progress. The content shows which request has written the object.

        Args:
            uri: The object.
            content: The content of the request.
            conflicts: Errors of earlier requests with the content, which conflicted with others.
        """
        from botocore.exceptions import ClientError

        try:
            yield
        except ClientError as error:
            is_refused = error.response["Error"]["Code"] in {*_CHANGED, _CONFLICT}
            was_repeated = any(map(is_repeated, (*conflicts, error)))
            if not (is_refused and was_repeated and self._has_content(uri, content)):
                raise

    def _has_content(self, uri: str, content: bytes | Path) -> bool:
        from botocore.exceptions import ClientError

        try:
            found = self._client.get_object(**_address_of(uri))
        except ClientError:
            return False
        with _body(content) as own:
            chunks = found["Body"].iter_chunks(PART_BYTES)
            return all(own.read(len(chunk)) == chunk for chunk in chunks) and not own.read(1)

    def _put_in_parts(self, uri: str, file: IO[bytes], version: str) -> None:
        """Put a large object; boto3's own upload in parts has no conditions."""
        from botocore.exceptions import ClientError

        address = _address_of(uri)
        upload = {
            **address,
            "UploadId": self._client.create_multipart_upload(**address)["UploadId"],
        }
        parts: list[dict[str, Any]] = []
        try:
            while part := file.read(PART_BYTES):
                number = len(parts) + 1
                sent = self._client.upload_part(**upload, PartNumber=number, Body=part)
                parts.append({"PartNumber": number, "ETag": sent["ETag"]})
            self._client.complete_multipart_upload(
                **upload, MultipartUpload={"Parts": parts}, IfMatch=version
            )
        except BaseException:
            # If this fails, a lifecycle rule of the stack's bucket removes the parts two days
            # later.
            with suppress(ClientError):
                self._client.abort_multipart_upload(**upload)
            raise

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects below a prefix; a large prefix is listed with concurrent requests."""
        address = _address_of(prefix)
        start_after = _address_of(after)["Key"] if after else ""

        def fetch(after: str) -> tuple[list[ListedKey], bool]:
            start = {"StartAfter": after} if after else {}
            with _errors(prefix):
                page = self._client.list_objects_v2(
                    Bucket=address["Bucket"], Prefix=address["Key"], MaxKeys=PAGE, **start
                )
            keys = [(each["Key"], each["Size"], each["ETag"]) for each in page.get("Contents", ())]
            return keys, bool(page["IsTruncated"])

        for key, size, etag in list_in_parallel(fetch, address["Key"], after=start_after):
            yield ObjectInfo(f"s3://{address['Bucket']}/{key}", size, etag)

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the direct subfolders of a folder."""
        for page in self._pages(prefix, Delimiter="/"):
            for found in page.get("CommonPrefixes", []):
                yield f"s3://{page['Name']}/{found['Prefix']}"

    def delete(self, uri: str) -> None:
        """Delete an object."""
        with _errors(uri):
            self._client.delete_object(**_address_of(uri))

    def delete_folder(self, prefix: str) -> None:
        """Delete the objects below a prefix, a page per request."""
        for page in self._pages(prefix):
            keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
            if not keys:
                continue
            with _errors(prefix):
                answer = self._client.delete_objects(
                    Bucket=page["Name"], Delete={"Objects": keys, "Quiet": True}
                )
            # The response is a success even if some of the objects could not be deleted.
            for failed in answer.get("Errors", []):
                uri, code = f"s3://{page['Name']}/{failed['Key']}", failed["Code"]
                if code == "AccessDenied":
                    raise AccessDeniedError(uri)
                raise StoreUnavailableError(f"S3 could not delete {uri} ({code})", "try again")

    def _pages(self, prefix: str, **settings: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        address = _address_of(prefix)
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=address["Bucket"],
            Prefix=address["Key"],
            PaginationConfig={"PageSize": PAGE},
            **settings,
        )
        with _errors(prefix):
            yield from pages

    def _get(self, request: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
        """Return the body and its response; both are empty for a range past the end."""
        from botocore.exceptions import (
            ClientError,
            IncompleteReadError,
            ReadTimeoutError,
            ResponseStreamingError,
        )

        uri = f"s3://{request['Bucket']}/{request['Key']}"
        if request["Bucket"] in self._other_regions:
            raise OtherRegionError(uri)
        broken = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)
        for left in reversed(range(ATTEMPTS)):
            try:
                answer: dict[str, Any] = self._client.get_object(**request)
                if request["Bucket"] in self._other_regions:
                    raise OtherRegionError(uri)
                content: bytes = answer["Body"].read()
            except broken:
                if not left:
                    raise
            except ClientError as error:
                if error.response["Error"]["Code"] == "InvalidRange":
                    return b"", {}
                denied = self._reason_of_denial(request, error.response["Error"])
                if denied is None:
                    raise
                raise denied from error
            else:
                return content, answer
        raise AssertionError("the last attempt returns or raises")

    def _note_region(
        self,
        request_dict: Mapping[str, Any],
        response: tuple[Any, Mapping[str, Any]] | None,
        **_event: Any,  # noqa: ANN401
    ) -> None:
        """Record the bucket of a response that redirects to another region; botocore follows it.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
        """
        metadata = response[1].get("ResponseMetadata", {}) if response else {}
        region = metadata.get("HTTPHeaders", {}).get("x-amz-bucket-region")
        redirects = metadata.get("HTTPStatusCode") in _REDIRECTS
        if redirects and region and region != self._client.meta.region_name:
            self._other_regions.add(request_dict["context"][_BUCKET])

    def _reason_of_denial(
        self, request: Mapping[str, Any], error: Mapping[str, str]
    ) -> AccessDeniedError | None:
        """Return the reason why access was denied; None if it was not, or S3 does not reveal it.

        S3 returns the same AccessDenied for a policy, for a key of another account and for a
        Requester Pays bucket. So one more request reads the object's metadata; if the bucket is a
        Requester Pays bucket, the caller pays for this request. The response shows whether it was
        charged and how the object is encrypted, which requires no permission for the key.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html
        """
        bucket, uri = request["Bucket"], f"s3://{request['Bucket']}/{request['Key']}"
        if error["Code"] in _KEY_UNUSABLE or _KEY_DENIED.search(error.get("Message", "")):
            return KeyDeniedError(uri)
        if error["Code"] != "AccessDenied":
            return None
        if bucket in self._requester_pays:
            return RequesterPaysError(uri)
        named = {name: request[name] for name in ("Bucket", "Key", "VersionId") if name in request}
        try:
            with _errors(uri):
                found = self._client.head_object(**named, RequestPayer="requester")
        except FacerecError:
            return None
        if found.get("RequestCharged"):
            self._requester_pays.add(bucket)
            return RequesterPaysError(uri)
        encrypted = str(found.get("ServerSideEncryption", "")).startswith("aws:kms")
        return KeyDeniedError(uri) if encrypted else None


def _body(content: bytes | Path) -> AbstractContextManager[IO[bytes]]:
    return content.open("rb") if isinstance(content, Path) else nullcontext(BytesIO(content))


def _keep_bucket(params: Mapping[str, Any], context: dict[str, Any], **_event: Any) -> None:  # noqa: ANN401
    context[_BUCKET] = params["Bucket"]


def _session() -> Any:  # noqa: ANN401 - boto3 has no static types
    """Return a session that does not parse times, which would dominate the cost of listings."""
    import boto3
    from botocore.session import get_session

    core = get_session()
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    return boto3.Session(botocore_session=core)


def _address_of(uri: str) -> dict[str, str]:
    address = S3_ADDRESS.fullmatch(uri)
    if not address:
        raise ObjectNotFoundError(uri)
    return {"Bucket": address[1], "Key": address[2]}


def _errors(
    uri: str, changed: Iterable[str] = _CHANGED, failing: Iterable[str] = ()
) -> AbstractContextManager[None]:
    # Rejected credentials are not a problem of a single object, so they must not fail photos.
    passing = dict.fromkeys(
        _CREDENTIALS,
        StoreUnavailableError(
            f"{uri}: S3 does not accept the credentials",
            "renew the credentials, and check the clock of this machine",
        ),
    )
    return aws_errors(
        "S3",
        uri,
        missing=ObjectNotFoundError(uri),
        refused=AccessDeniedError(uri),
        denied=AccessDeniedError,
        codes={
            **dict.fromkeys(_MISSING, ObjectNotFoundError(uri)),
            **dict.fromkeys(changed, ObjectChangedError(uri)),
            **{code: ReadFailedError(uri, f"S3 returned {code}") for code in failing},
            _ARCHIVED: ObjectArchivedError(uri),
            **passing,
        },
    )
