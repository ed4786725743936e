"""Amazon S3 Vectors over HTTP, in memory: what its documentation promises, and its limits.

It searches exactly, which the service does not promise, and so proves nothing about recall.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_S3_Vectors.html
"""

from __future__ import annotations

import json
import re
import time
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.support.http_server import HttpServer, Response

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class RefusedError(Exception):
    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class Rate:
    """What an index takes in a second: a bucket that is full at first and fills steadily."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._left = per_second
        self._filled = time.monotonic()

    def take(self, count: int) -> None:
        """Take a number of units, or refuse the request. A full bucket takes any number."""
        now = time.monotonic()
        gained = (now - self._filled) * self._per_second
        self._left = min(self._per_second, self._left + gained)
        self._filled = now
        if self._left < min(count, self._per_second):
            raise RefusedError(429, "TooManyRequestsException", "the index takes fewer in a second")
        self._left -= count


@dataclass
class Index:
    """An index: its vectors by key, and its limits of writes."""

    dimension: int
    metric: str
    hidden: frozenset[str]
    written: Rate
    writes: Rate
    vectors: dict[str, dict[str, Any]] = field(default_factory=dict)


class S3VectorsServer(HttpServer):
    """The service on a free port of this machine.

    Attributes:
        squares: Whether distances are squared, which the documentation leaves open.
        largest_top_k: 100, as documented; regions with result pages accept 10,000.
        vectors_per_second: Vectors that may be put into, or deleted from, an index in a second.
        writes_per_second: Requests for that in a second, per index.
        buckets: Indexes by name, by bucket.
        requests: How often each operation was asked for.
    """

    def __init__(
        self,
        *,
        squares: bool = False,
        largest_top_k: int = 100,
        vectors_per_second: float = 2_500,
        writes_per_second: float = 1_000,
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.squares = squares
        self.largest_top_k = largest_top_k
        self.vectors_per_second = vectors_per_second
        self.writes_per_second = writes_per_second
        self.buckets: dict[str, dict[str, Index]] = {}
        self.requests: Counter[str] = Counter()

    def respond(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        try:
            return Response(self.answer(address.strip("/"), body))
        except RefusedError as refusal:
            kind = {"x-amzn-ErrorType": refusal.kind}
            return Response({"message": str(refusal)}, refusal.status, kind)

    def answer(self, operation: str, body: bytes) -> dict[str, Any]:
        with self._lock:
            self.requests[operation] += 1
            if (failure := self._next_failure(operation)) is not None:
                kind = {429: "TooManyRequestsException", 503: "ServiceUnavailableException"}
                raise RefusedError(failure, kind.get(failure, "InternalServerException"), "later")
            _require(len(body) <= 20 * 1024 * 1024, "the request has more than 20 MiB")
            operations = {
                "CreateVectorBucket": self._create_bucket,
                "DeleteVectorBucket": self._delete_bucket,
                "GetVectorBucket": self._get_bucket,
                "ListVectorBuckets": self._list_buckets,
                "CreateIndex": self._create_index,
                "DeleteIndex": self._delete_index,
                "GetIndex": self._get_index,
                "ListIndexes": self._list_indexes,
                "PutVectors": self._put,
                "GetVectors": self._get,
                "DeleteVectors": self._delete,
                "ListVectors": self._list,
                "QueryVectors": self._query,
            }
            _require(operation in operations, f"{operation} is not known")
            return operations[operation](json.loads(body or b"{}"))

    def _create_bucket(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["vectorBucketName"]
        _require(NAME.fullmatch(name) is not None, f"{name} is not a name of a bucket")
        if name in self.buckets:
            raise RefusedError(409, "ConflictException", "the bucket exists")
        self.buckets[name] = {}
        return {"vectorBucketArn": _arn(name)}

    def _delete_bucket(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._bucket(request):
            raise RefusedError(409, "ConflictException", "the bucket has indexes")
        del self.buckets[request["vectorBucketName"]]
        return {}

    def _get_bucket(self, request: dict[str, Any]) -> dict[str, Any]:
        self._bucket(request)
        name = request["vectorBucketName"]
        return {"vectorBucket": {"vectorBucketName": name, "vectorBucketArn": _arn(name)}}

    def _list_buckets(self, _request: dict[str, Any]) -> dict[str, Any]:
        return {
            "vectorBuckets": [
                {"vectorBucketName": name, "vectorBucketArn": _arn(name), "creationTime": 0}
                for name in self.buckets
            ]
        }

    def _create_index(self, request: dict[str, Any]) -> dict[str, Any]:
        bucket, name = self._bucket(request), request["indexName"]
        _require(NAME.fullmatch(name) is not None, f"{name} is not a name of an index")
        _require(request["dataType"] == "float32", "the data type is float32")
        _require(1 <= request["dimension"] <= 4096, "the dimension is 1 to 4096")
        _require(request["distanceMetric"] in ("euclidean", "cosine"), "the metric is not known")
        hidden = (request.get("metadataConfiguration") or {}).get("nonFilterableMetadataKeys", [])
        _require(len(hidden) <= 10, "more than 10 keys that are not filterable")
        if name in bucket:
            raise RefusedError(409, "ConflictException", "the index exists")
        if len(bucket) >= 10_000:
            raise RefusedError(402, "ServiceQuotaExceededException", "more than 10,000 indexes")
        bucket[name] = Index(
            request["dimension"],
            request["distanceMetric"],
            frozenset(hidden),
            Rate(self.vectors_per_second),
            Rate(self.writes_per_second),
        )
        return {"indexArn": f"{_arn(request['vectorBucketName'])}/index/{name}"}

    def _delete_index(self, request: dict[str, Any]) -> dict[str, Any]:
        self._index(request)
        del self._bucket(request)[request["indexName"]]
        return {}

    def _get_index(self, request: dict[str, Any]) -> dict[str, Any]:
        index, bucket = self._index(request), request["vectorBucketName"]
        return {
            "index": {
                "vectorBucketName": bucket,
                "indexName": request["indexName"],
                "indexArn": f"{_arn(bucket)}/index/{request['indexName']}",
                "creationTime": 0,
                "dataType": "float32",
                "dimension": index.dimension,
                "distanceMetric": index.metric,
            }
        }

    def _list_indexes(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["vectorBucketName"]
        return {
            "indexes": [
                {
                    "vectorBucketName": name,
                    "indexName": index,
                    "indexArn": f"{_arn(name)}/index/{index}",
                    "creationTime": 0,
                }
                for index in self._bucket(request)
            ]
        }

    def _put(self, request: dict[str, Any]) -> dict[str, Any]:
        index = self._index(request)
        _require(1 <= len(request["vectors"]) <= 500, "1 to 500 vectors")
        keys = [vector["key"] for vector in request["vectors"]]
        _require(len(set(keys)) == len(keys), "a key is there twice")
        for vector in request["vectors"]:
            values = np.array(vector["data"]["float32"], np.float32)
            metadata = vector.get("metadata") or {}
            _require(1 <= len(vector["key"]) <= 1024, "a key has 1 to 1024 characters")
            _require(values.shape == (index.dimension,), "the dimension is another")
            _require(bool(np.isfinite(values).all()), "a value is not a number")
            _require(len(metadata) <= 50, "more than 50 metadata keys")
            _require(_size(metadata) <= 40_960, "more than 40 KB of metadata")
            seen = {name: value for name, value in metadata.items() if name not in index.hidden}
            _require(_size(seen) <= 2048, "more than 2 KB of filterable metadata")
        index.writes.take(1)
        index.written.take(len(keys))
        for vector in request["vectors"]:
            values = np.array(vector["data"]["float32"], np.float32)
            index.vectors[vector["key"]] = {
                "data": values,
                "metadata": vector.get("metadata") or {},
            }
        return {}

    def _get(self, request: dict[str, Any]) -> dict[str, Any]:
        index = self._index(request)
        _require(1 <= len(request["keys"]) <= 100, "1 to 100 keys")
        return {
            "vectors": [
                self._shown(index, key, request) for key in request["keys"] if key in index.vectors
            ]
        }

    def _delete(self, request: dict[str, Any]) -> dict[str, Any]:
        index = self._index(request)
        _require(1 <= len(request["keys"]) <= 500, "1 to 500 keys")
        index.writes.take(1)
        index.written.take(len(request["keys"]))
        for key in request["keys"]:
            index.vectors.pop(key, None)
        return {}

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        index = self._index(request)
        segments, segment = request.get("segmentCount", 1), request.get("segmentIndex", 0)
        _require(1 <= segments <= 16 and 0 <= segment < segments, "the segment is out of range")
        limit = request.get("maxResults", 500)
        _require(1 <= limit <= 1000, "1 to 1000 results")
        # in no order that means anything
        keys = sorted(index.vectors, key=lambda key: zlib.crc32(key.encode()))
        keys = [key for key in keys if zlib.crc32(key.encode()) % segments == segment]
        return self._page(
            "vectors", [self._shown(index, key, request) for key in keys], limit, request
        )

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        index = self._index(request)
        top_k = request["topK"]
        _require(1 <= top_k <= self.largest_top_k, f"topK is 1 to {self.largest_top_k}")
        probe = np.array(request["queryVector"]["float32"], np.float32)
        _require(probe.shape == (index.dimension,), "the dimension is another")
        found: list[dict[str, Any]] = []
        if index.vectors:
            keys = list(index.vectors)
            differences = np.stack([index.vectors[key]["data"] for key in keys]) - probe
            distances = np.einsum("ij,ij->i", differences, differences)
            if not self.squares:
                distances = np.sqrt(distances)
            for row in np.argsort(distances, kind="stable")[:top_k]:
                shown = {"key": keys[row]}
                if request.get("returnDistance"):
                    shown["distance"] = float(distances[row])
                if request.get("returnMetadata"):
                    shown["metadata"] = index.vectors[keys[row]]["metadata"]
                found.append(shown)
        return {**self._page("vectors", found, 100, request), "distanceMetric": "euclidean"}

    def _page(
        self, name: str, found: list[Any], limit: int, request: dict[str, Any]
    ) -> dict[str, Any]:
        start = int(request.get("nextToken", "0"))
        page: dict[str, Any] = {name: found[start : start + limit]}
        if start + limit < len(found):
            page["nextToken"] = str(start + limit)
        return page

    def _shown(self, index: Index, key: str, request: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {"key": key}
        if request.get("returnData"):
            shown["data"] = {"float32": index.vectors[key]["data"].tolist()}
        if request.get("returnMetadata"):
            shown["metadata"] = index.vectors[key]["metadata"]
        return shown

    def _bucket(self, request: dict[str, Any]) -> dict[str, Index]:
        try:
            return self.buckets[request["vectorBucketName"]]
        except KeyError:
            raise RefusedError(404, "NotFoundException", "there is no such bucket") from None

    def _index(self, request: dict[str, Any]) -> Index:
        try:
            return self._bucket(request)[request["indexName"]]
        except KeyError:
            raise RefusedError(404, "NotFoundException", "there is no such index") from None


def _arn(bucket: str) -> str:
    return f"arn:aws:s3vectors:us-east-1:123456789012:bucket/{bucket}"


def _size(metadata: dict[str, Any]) -> int:
    return len(json.dumps(metadata, ensure_ascii=False).encode())


def _require(truth: bool, message: str) -> None:
    if not truth:
        raise RefusedError(400, "ValidationException", message)
