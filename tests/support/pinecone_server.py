"""A Pinecone index over HTTP, in memory: what the classic vectors API promises, and its limits.

Written from Pinecone's documentation, for the official client:
https://docs.pinecone.io/reference/api/database-limits/operation-limits
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from tests.support.http_server import HttpServer, Response
from tests.support.pinecone_imports import ServedImports
from tests.support.pinecone_refusals import RefusedError, require

API_KEY = "secret-key-of-the-tests"

Answer = tuple[int, dict[str, Any]]
Space = dict[str, dict[str, Any]]


class PineconeServer(HttpServer):
    """One index on a free port of this machine.

    Attributes:
        lags: Writes are read only after ``settle``.
        loses: Number of records of each upsert that are not taken, which its answer admits.
        namespaces: What can be read: vectors by id, by namespace.
        fetches_by_metadata: Whether it does; this is a preview, which other servers do not have.
        delay: Seconds that every request takes.
        requests: How often each path was asked for.
        received: How many bytes the requests of each path had.
        busiest: The most requests that were answered at a time.
        imports: The bulk imports.
    """

    def __init__(
        self, *, dimension: int = 128, metric: str = "euclidean", name: str = "faces"
    ) -> None:
        super().__init__()
        self.dimension = dimension
        self.metric = metric
        self.name = name
        self.lags = False
        self.loses = 0
        self.fetches_by_metadata = True
        self.delay = 0.0
        self.namespaces: dict[str, Space] = defaultdict(dict)
        self.requests: Counter[str] = Counter()
        self.received: Counter[str] = Counter()
        self.busiest = 0
        self._under_way = 0
        self._unsettled: list[Callable[[], None]] = []
        self.imports = ServedImports(
            dimension, self._import, lambda namespace: namespace in self.namespaces
        )
        self._lost_answers: Counter[str] = Counter()

    def lose_answers(self, path: str, times: int = 1) -> None:
        """Do what the next requests ask for, but answer them with an error."""
        self._lost_answers[path] += times

    @property
    def host(self) -> str:
        return self.address

    def settle(self) -> None:
        """Let everything that was written be read."""
        with self._lock:
            for write in self._unsettled:
                write()
            self._unsettled.clear()

    def respond(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        status, document = self.answer(method, address, headers.get("Api-Key"), body)
        return Response(document, status)

    def answer(self, method: str, address: str, key: str | None, body: bytes) -> Answer:
        path, query = urlsplit(address).path, parse_qs(urlsplit(address).query)
        with self._lock:
            self.requests[path] += 1
            self.received[path] += len(body)
            self._under_way += 1
            self.busiest = max(self.busiest, self._under_way)
        time.sleep(self.delay)
        try:
            with self._lock:
                self._check(path, address, key)
                answer = self._route(method, path, query, json.loads(body or b"{}"), len(body))
                if method == "POST" and self._lost_answers[path] > 0:
                    self._lost_answers[path] -= 1
                    raise RefusedError(503, "the answer is lost")
                return 200, answer
        except RefusedError as refusal:
            return refusal.status, {"code": refusal.status, "message": str(refusal)}
        finally:
            with self._lock:
                self._under_way -= 1

    def _check(self, path: str, address: str, key: str | None) -> None:
        if key != API_KEY:
            raise RefusedError(401, "Invalid API Key")
        if (failure := self._next_failure(path)) is not None:
            raise RefusedError(failure, "as the test asked for")
        require(len(address) <= 8000, "the address is too long", 414)

    def _route(  # noqa: C901 - a branch for each path
        self, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any], size: int
    ) -> dict[str, Any]:
        namespace = query.get("namespace", [body.get("namespace", "")])[0]
        if path == f"/indexes/{self.name}":
            return self._description()
        if path == "/describe_index_stats":
            return self._stats()
        if path == "/vectors/upsert":
            return self._upsert(namespace, body["vectors"], size)
        if path == "/query":
            return self._query(namespace, body)
        if path == "/vectors/update":
            return self._update(namespace, body)
        if path == "/vectors/fetch":
            return self._fetch(namespace, query["ids"])
        if path == "/vectors/fetch_by_metadata":
            return self._fetch_by_metadata(namespace, body)
        if path == "/vectors/list":
            return self._list(namespace, query)
        if path == "/vectors/delete":
            return self._delete(namespace, body)
        if path.startswith("/namespaces/") and method == "DELETE":
            return self._delete(unquote(path.removeprefix("/namespaces/")), {"deleteAll": True})
        if path.startswith("/bulk/imports"):
            return self.imports.answer(method, path, body)
        raise RefusedError(404, f"{method} {path} is not known")

    def _description(self) -> dict[str, Any]:
        vectors = {"type": "dense_vector", "dimension": self.dimension, "metric": self.metric}
        return {
            "name": self.name,
            "host": self.host,
            "status": {"ready": True, "state": "Ready"},
            "schema": {"fields": {"_values": vectors}},
            "deployment": {
                "deployment_type": "managed",
                "cloud": "aws",
                "region": "us-east-1",
                "environment": "tests",
            },
            "deletion_protection": "disabled",
        }

    def _stats(self) -> dict[str, Any]:
        counts = {name: {"vectorCount": len(space)} for name, space in self.namespaces.items()}
        return {
            "namespaces": counts,
            "dimension": self.dimension,
            "metric": self.metric,
            "indexFullness": 0,
            "totalVectorCount": sum(len(space) for space in self.namespaces.values()),
        }

    def _upsert(self, namespace: str, vectors: list[dict[str, Any]], size: int) -> dict[str, Any]:
        require(len(vectors) <= 1000, "more than 1000 records")
        require(size <= 2_000_000, "more than 2 MB", 413)
        written = {}
        for vector in vectors[self.loses :]:
            values = np.array(vector["values"], np.float32)
            metadata = vector.get("metadata", {})
            require(vector["id"].isascii() and 0 < len(vector["id"]) <= 512, "no id")
            require(values.shape == (self.dimension,), "the wrong dimension")
            require(bool(np.isfinite(values).all() and values.any()), "no vector")
            require(len(json.dumps(metadata)) <= 40_960, "more than 40 KB of metadata")
            flat = all(isinstance(value, str | int | float) for value in metadata.values())
            require(flat, "metadata is not flat")
            written[vector["id"]] = {"values": values, "metadata": metadata}
        self._write(lambda: self.namespaces[namespace].update(written))
        return {"upsertedCount": len(vectors) - self.loses}

    def _update(self, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        def change() -> None:
            # an unknown id is not an error, and nothing is created
            vector = self._space(namespace).get(body["id"])
            if vector is not None:
                vector["metadata"] = {**vector["metadata"], **body["setMetadata"]}

        self._write(change)
        return {}

    def _query(self, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        require(1 <= body["topK"] <= 10_000, "topK is out of range")
        space = self._space(namespace)
        matches = []
        if space:
            embeddings = np.stack([vector["values"] for vector in space.values()])
            differences = embeddings - np.array(body["vector"], np.float32)
            scores = np.einsum("ij,ij->i", differences, differences)
            ids = list(space)
            for row in np.argsort(scores, kind="stable")[: body["topK"]]:
                match = {"id": ids[row], "score": float(scores[row])}
                if body.get("includeMetadata"):
                    match["metadata"] = space[ids[row]]["metadata"]
                matches.append(match)
        answer = {"matches": matches, "namespace": namespace}
        require(len(json.dumps(answer)) <= 4_000_000, "the result exceeds 4 MB")
        return answer

    def _fetch(self, namespace: str, ids: list[str]) -> dict[str, Any]:
        require(len(ids) <= 1000, "more than 1000 ids")
        space = self._space(namespace)
        found = {
            face_id: {
                "id": face_id,
                "values": space[face_id]["values"].tolist(),
                "metadata": space[face_id]["metadata"],
            }
            for face_id in ids
            if face_id in space
        }
        return {"vectors": found, "namespace": namespace}

    def _fetch_by_metadata(self, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        require(self.fetches_by_metadata, "not known", 404)
        if namespace not in self.namespaces:
            raise RefusedError(404, "Namespace not found")
        limit = int(body.get("limit", 100))
        require(1 <= limit <= 10_000, "limit is out of range")
        ((field, condition),) = body["filter"].items()
        wanted = condition["$in"]
        require(0 < len(wanted) <= 10_000, "too many values")
        space = self._space(namespace)
        ids = sorted(each for each in space if space[each]["metadata"].get(field) in set(wanted))
        start = int(body.get("paginationToken", "0"))
        page = self._fetch(namespace, ids[start : start + limit])
        if start + limit < len(ids):
            page["pagination"] = {"next": str(start + limit)}
        return page

    def _list(self, namespace: str, query: dict[str, list[str]]) -> dict[str, Any]:
        limit = int(query.get("limit", ["100"])[0])
        require(1 <= limit <= 100, "limit is out of range")
        prefix = query.get("prefix", [""])[0]
        ids = sorted(face_id for face_id in self._space(namespace) if face_id.startswith(prefix))
        # opaque on purpose: no id, and of no use with another prefix
        start = 0
        if "paginationToken" in query:
            asked, _, place = query["paginationToken"][0].partition("@")
            require(asked == prefix, "the token belongs to another listing")
            start = int(place)
        page: dict[str, Any] = {"vectors": [{"id": each} for each in ids[start : start + limit]]}
        if start + limit < len(ids):
            page["pagination"] = {"next": f"{prefix}@{start + limit}"}
        return page | {"namespace": namespace}

    def _delete(self, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        if namespace not in self.namespaces and not self._unsettled:
            raise RefusedError(404, "Namespace not found")
        if body.get("deleteAll"):
            self._write(lambda: self.namespaces.pop(namespace, None))
            return {}
        ids = body["ids"]
        require(len(ids) <= 1000, "more than 1000 ids")

        def remove() -> None:
            for face_id in ids:
                self._space(namespace).pop(face_id, None)

        self._write(remove)
        return {}

    def _import(self, namespace: str, records: Space) -> None:
        self._write(lambda: self.namespaces[namespace].update(records))

    def _space(self, namespace: str) -> Space:
        return self.namespaces.get(namespace, {})

    def _write(self, write: Callable[[], Any]) -> None:
        if self.lags:
            self._unsettled.append(write)
        else:
            write()
