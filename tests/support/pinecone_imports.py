"""Bulk imports of the Pinecone server of the tests, as Pinecone documents them.

https://docs.pinecone.io/guides/index-data/import-data
https://docs.pinecone.io/reference/api/database-limits/operation-limits
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import numpy as np

from tests.support.pinecone_refusals import require

INTEGRATION = "a12b3d4c-47d2-492c-a97a-dd98c8dbefde"
"""Id of the storage integration of the project."""

FILES, BYTES_PER_FILE, NAMESPACES = 100_000, 10 * 1024**3, 10_000

TYPES = {"id": "string", "values": "list<element: float>", "metadata": "string"}


@dataclass
class ServedImport:
    """An import: each request for its description takes it a step further.

    Attributes:
        number: Its id, from 1.
        uri: The folder that it reads.
        on_error: ``abort`` or ``continue``.
        steps: Descriptions that are left until it ends.
    """

    number: int
    uri: str
    on_error: str
    steps: int
    status: str = "Pending"
    records: int = 0
    error: str | None = None

    def describe(self) -> dict[str, Any]:
        ended = {} if self.status in ("Pending", "InProgress") else {"finishedAt": "2026-11-01"}
        return {
            "id": str(self.number),
            "uri": self.uri,
            "status": self.status,
            "createdAt": "2026-11-01T00:00:00Z",
            "percentComplete": 100.0 if self.status == "Completed" else 0.0,
            "recordsImported": self.records,
            **ended,
            **({} if self.error is None else {"error": self.error}),
        }


@dataclass
class ServedImports:
    """The imports of an index.

    Attributes:
        steps: Descriptions until an import ends: it is pending, then in progress.
        fails: The error with which the next imports fail.
        loses: Number of records that an import does not take although it completes.
        started: All imports, in order.
    """

    dimension: int
    write: Callable[[str, dict[str, dict[str, Any]]], None]
    exists: Callable[[str], bool]
    steps: int = 2
    fails: str | None = None
    loses: int = 0
    started: list[ServedImport] = field(default_factory=list)

    def answer(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        number = path.removeprefix("/bulk/imports").strip("/")
        if not number and method == "POST":
            return self._start(body)
        if not number:
            # The newest first; a page has up to 100.
            return {"data": [each.describe() for each in self.started[::-1]]}
        found = [each for each in self.started if str(each.number) == number]
        require(bool(found), "the import is not known", 404)
        if method == "DELETE":
            if found[0].status in ("Pending", "InProgress"):
                found[0].status = "Cancelled"
            return {}
        self._advance(found[0])
        return found[0].describe()

    def _start(self, body: dict[str, Any]) -> dict[str, Any]:
        require(body["uri"].startswith("s3://"), "the index is on AWS")
        require(body.get("integrationId") == INTEGRATION, "the integration is not known")
        on_error = body.get("errorMode", {}).get("onError", "abort")
        require(on_error in ("abort", "continue"), "unknown error mode")
        number = len(self.started) + 1
        self.started.append(ServedImport(number, body["uri"], on_error, self.steps))
        return {"id": str(number)}

    def _advance(self, found: ServedImport) -> None:
        if found.status not in ("Pending", "InProgress"):
            return
        found.status, found.steps = "InProgress", found.steps - 1
        if found.steps > 0:
            return
        try:
            require(self.fails is None, self.fails or "")
            self._read(found)
            found.status = "Completed"
        except Exception as error:
            found.status, found.error = "Failed", str(error)

    def _read(self, found: ServedImport) -> None:
        bucket, _, prefix = found.uri.removeprefix("s3://").partition("/")
        folder = prefix.rstrip("/") + "/"
        s3 = boto3.client("s3", region_name="us-east-1")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
        files = [
            (each["Key"], each["Size"])
            for page in pages
            for each in page.get("Contents", [])
            if each["Key"].endswith(".parquet")
        ]
        require(0 < len(files) <= FILES, "the number of files")
        require(all(size <= BYTES_PER_FILE for _, size in files), "the size of a file")
        spaces: dict[str, dict[str, dict[str, Any]]] = {}
        for key, _ in files:
            namespace, *rest = key.removeprefix(folder).split("/")
            require(len(rest) == 1, "the file is in no folder of a namespace")
            require(not self.exists(namespace), "the namespace exists")
            content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            spaces.setdefault(namespace, {}).update(self._records(content, found))
        require(len(spaces) <= NAMESPACES, "the number of namespaces")
        for namespace, records in spaces.items():
            kept = dict(list(records.items())[self.loses :])
            found.records += len(kept)
            self.write(namespace, kept)

    def _records(self, content: bytes, found: ServedImport) -> dict[str, dict[str, Any]]:
        from pyarrow import parquet

        table = parquet.read_table(io.BytesIO(content))
        assert {name: str(table.schema.field(name).type) for name in table.column_names} == TYPES
        records = {}
        for row in table.to_pylist():
            try:
                values = np.array(row["values"], np.float32)
                metadata = json.loads(row["metadata"] or "{}")
                require(row["id"].isascii() and 0 < len(row["id"]) <= 512, "no id")
                require(values.shape == (self.dimension,), "the wrong dimension")
                require(bool(np.isfinite(values).all() and values.any()), "no vector")
                require(len(row["metadata"] or "") <= 40_960, "more than 40 KB of metadata")
            except Exception:
                if found.on_error == "abort":
                    raise
                continue
            records[row["id"]] = {"values": values, "metadata": metadata}
        return records
