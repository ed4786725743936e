"""Access keys in AWS Secrets Manager: one secret each, whose name ends in the key's id."""

from __future__ import annotations

import json
import time
from contextlib import AbstractContextManager
from typing import Any

from facerec.core.aws_errors import aws_errors
from facerec.errors import AccessKeyNotFoundError
from facerec.storage.access_keys import AccessKey

REMEMBERED = 60.0
"""Seconds for which a key is kept in memory, and so the longest that a revoked one is good."""


def open_secrets_manager_keys(prefix: str, region: str | None = None) -> SecretsManagerKeys:
    """Return the keys under a name, with the environment's credentials."""
    import boto3

    return SecretsManagerKeys(boto3.client("secretsmanager", region_name=region), prefix)


class SecretsManagerKeys:
    """An ``AccessKeyStore``; keys that were asked for are remembered for a minute."""

    def __init__(self, client: Any, prefix: str) -> None:  # noqa: ANN401 - boto3 has no types
        """Take boto3's client and the name under which the secrets are."""
        self._client = client
        self._prefix = prefix.rstrip("/") + "/"
        self._known: dict[str, tuple[float, AccessKey]] = {}

    def put_access_key(self, key: AccessKey) -> None:
        """See ``AccessKeyStore``."""
        content = {
            "secret": key.secret,
            "collections": key.collections,
            "writes": key.writes,
            "note": key.note,
            "created_at": key.created_at,
        }
        with self._errors(key.access_key_id):
            self._client.create_secret(
                Name=self._prefix + key.access_key_id, SecretString=json.dumps(content)
            )

    def get_access_key(self, access_key_id: str) -> AccessKey:
        """See ``AccessKeyStore``."""
        known = self._known.get(access_key_id)
        if known is not None and time.monotonic() - known[0] < REMEMBERED:
            return known[1]
        self._known.pop(access_key_id, None)
        with self._errors(access_key_id):
            answer = self._client.get_secret_value(SecretId=self._prefix + access_key_id)
        content = json.loads(answer["SecretString"])
        key = AccessKey(
            access_key_id=access_key_id,
            secret=content["secret"],
            collections=tuple(content["collections"]),
            writes=content["writes"],
            note=content["note"],
            created_at=content["created_at"],
        )
        self._known[access_key_id] = (time.monotonic(), key)
        return key

    def list_access_keys(self) -> list[AccessKey]:
        """See ``AccessKeyStore``."""
        with self._errors(self._prefix):
            pages = self._client.get_paginator("list_secrets").paginate(
                Filters=[{"Key": "name", "Values": [self._prefix]}]
            )
            names = [secret["Name"] for page in pages for secret in page["SecretList"]]
        keys = [self.get_access_key(name.removeprefix(self._prefix)) for name in names]
        return sorted(keys, key=lambda key: (key.created_at, key.access_key_id))

    def delete_access_key(self, access_key_id: str) -> None:
        """See ``AccessKeyStore``."""
        self._known.pop(access_key_id, None)
        with self._errors(access_key_id):
            # without this, deleting a secret that does not exist would be a success
            self._client.describe_secret(SecretId=self._prefix + access_key_id)
            self._client.delete_secret(
                SecretId=self._prefix + access_key_id, ForceDeleteWithoutRecovery=True
            )

    @staticmethod
    def _errors(access_key_id: str) -> AbstractContextManager[None]:
        missing = AccessKeyNotFoundError(access_key_id)
        return aws_errors("Secrets Manager", "the access keys", missing=missing)
