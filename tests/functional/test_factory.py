"""The parts that a deployment's settings name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from facerec.config import Settings
from facerec.errors import ConfigurationError
from facerec.factory import open_faces, open_records
from facerec.factory.deployed_stores import pinecone_api_key
from facerec.storage.sqlite import SqliteStore

NO_SUCH = "arn:aws:secretsmanager:us-east-1:123456789012:secret:none-AbCdEf"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


def test_one_file_replaces_both_stores(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path}/store.sqlite")
    for store in (open_faces(settings), open_records(settings)):
        assert isinstance(store, SqliteStore)
        store.close()
    assert (tmp_path / "store.sqlite").exists()


def test_another_kind_of_store_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="FACEREC_STORE"):
        open_faces(Settings(store="postgres://elsewhere"))


def test_a_missing_store_setting_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="PINECONE_API_KEY"):
        open_faces(Settings())
    with pytest.raises(ConfigurationError, match="FACEREC_TABLE"):
        open_records(Settings())


def test_the_key_is_the_value_of_its_secret(aws: None) -> None:
    secrets = boto3.client("secretsmanager")
    arn = secrets.create_secret(Name="pinecone", SecretString="the-key\n")["ARN"]
    assert pinecone_api_key(Settings(pinecone_secret_arn=arn)) == "the-key"


def test_a_secret_that_cannot_be_read_is_named(aws: None) -> None:
    with pytest.raises(ConfigurationError, match="none-AbCdEf"):
        pinecone_api_key(Settings(pinecone_secret_arn=NO_SUCH))


def test_a_secret_without_text_is_refused(aws: None) -> None:
    secrets = boto3.client("secretsmanager")
    arn = secrets.create_secret(Name="binary", SecretBinary=b"\0")["ARN"]
    with pytest.raises(ConfigurationError, match="has no SecretString"):
        pinecone_api_key(Settings(pinecone_secret_arn=arn))
