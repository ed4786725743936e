"""Migrations of collections on AWS, which are refused for now."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from facerec.core.migrations import Migration, MigrationState
from facerec.core.records import new_collection
from facerec.errors import MigrationError
from facerec.factory.deployed import MIGRATES
from facerec.storage.dynamodb.store import DynamoDBStore
from facerec.storage.generations import FacesByGeneration
from facerec.storage.sqlite import SqliteStore
from facerec.storage.standby_sides import StandbySides
from tests.support.stack_template import create_table


def test_no_migration_begins_on_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws(), SqliteStore(tmp_path / "vectors.db") as store:
        client = boto3.client("dynamodb", region_name="eu-west-1")
        create_table(client, "facerec")
        records = DynamoDBStore(client, "facerec")
        records.create_collection(new_collection("staff", "fake-1", 1.0))
        migrations = StandbySides(
            FacesByGeneration(store.vectors, records), records, begins=MIGRATES
        )
        with pytest.raises(MigrationError, match="on AWS cannot be migrated yet"):
            migrations.begin_migration(
                Migration("staff", "fake-accurate", MigrationState.PREPARING, 2.0)
            )
        assert migrations.get_migration("staff") is None
