"""Stores that several processes use, on one machine and on AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from facerec.core.protocols.clusters import ClusterStore
from facerec.gallery.gallery import Gallery
from facerec.storage.dynamodb.store import DynamoDBStore
from facerec.storage.generations import FacesByGeneration
from facerec.storage.s3vectors import open_s3_vectors
from facerec.storage.standby_sides import StandbySides
from tests.support.gallery import Collaborators
from tests.support.overtaken import Overtaken
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.stack_template import create_table

ON_ONE_MACHINE, ON_AWS = "on one machine", "on AWS"


@dataclass
class Deployment:
    """Stores that several processes use, each with a gallery of its own."""

    collaborators: Collaborators
    open_clusters: Callable[[], ClusterStore]

    def gallery(self) -> Gallery:
        return self._process().gallery()

    def gallery_with(
        self, kind: str, method: str, *, once: bool = True, **actions: Callable[[], object]
    ) -> Gallery:
        """Return a gallery of a process that is overtaken at a call of a store's method."""
        process = self._process()
        store = cast("Any", Overtaken(getattr(process, kind), method, once=once, **actions))
        return replace(process, **{kind: store}).gallery()

    def _process(self) -> Collaborators:
        return replace(self.collaborators, clusters=self.open_clusters())


@contextmanager
def open_deployment(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    """Open the stores of a deployment of a kind."""
    if kind == ON_ONE_MACHINE:
        own = Collaborators.in_folder(folder)
        clusters = own.clusters
        assert clusters is not None
        yield Deployment(own, lambda: clusters)
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws(), S3VectorsServer() as server:
        client = boto3.client("dynamodb", region_name="eu-west-1")
        create_table(client, "facerec")
        server.buckets["vectors"] = {}
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3VECTORS", server.address)
        records = DynamoDBStore(client, "facerec")
        vectors = open_s3_vectors("vectors", region="eu-west-1")
        with FacesByGeneration(vectors, records, on_removed=records.forget_faces) as faces:
            migrations = StandbySides(faces, records)
            own = Collaborators(faces, records, migrations=migrations, registrations=records)
            yield Deployment(own, lambda: records.open_clusters(faces))
