"""AWS IAM for tests: calls of a part of the stack that its role in the template denies are refused.

moto and the servers of ``tests.support`` answer every caller. Here each call of boto3 that is made
while acting as a function or a container needs the actions that AWS documents for it:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html and, for
transactions,
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
"""

# ruff: noqa: ANN401 - boto3 and moto have no static types
from __future__ import annotations

import fnmatch
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.support.stack_template import properties

_CHOSEN = frozenset({"OwnVectors"})
"""Conditions of the template that hold for a stack with default parameters."""

_COMPARED = ("s3", "dynamodb", "s3vectors", "secretsmanager")
"""Services whose resources are compared too; of the others, only the actions."""

_S3_ACTIONS = {
    "HeadObject": ["s3:GetObject"],
    "ListObjectsV2": ["s3:ListBucket"],
    "HeadBucket": ["s3:ListBucket"],
    "CopyObject": ["s3:GetObject", "s3:PutObject"],
    "DeleteObjects": ["s3:DeleteObject"],
    "CreateMultipartUpload": ["s3:PutObject"],
    "UploadPart": ["s3:PutObject"],
    "CompleteMultipartUpload": ["s3:PutObject"],
}
_PREFIXES = {"stepfunctions": "states", "service-quotas": "servicequotas"}
_TRANSACTION_ACTIONS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}


@dataclass(frozen=True, slots=True)
class Need:
    """What a call needs: an action on a resource, and the partition key of an item."""

    action: str
    resource: str
    partition: str | None = None


@dataclass
class Permissions:
    """The permissions of a test.

    Attributes:
        bucket: Name of the stack's bucket.
        denied: What calls were refused for.
        conditions: Conditions of the template that hold.
        secret: Value of the parameter PineconeSecretArn.
    """

    bucket: str
    denied: list[str] = field(default_factory=list)
    conditions: frozenset[str] = _CHOSEN
    secret: str = ""

    def check(self, part: str, client: Any, operation: str, request: dict[str, Any]) -> None:
        """Raise the error of IAM for a call that the role of a part does not allow."""
        service = client.meta.service_model.service_name
        needed = list(needs(service, operation, request))
        if operation == "GetSecretValue" and "EncryptedSecret" in self.conditions:
            # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
            needed.append(Need("kms:Decrypt", "*"))
        for need in needed:
            allowing = statements(part, self.conditions)
            if not any(self._allows(each, need) for each in allowing):
                error = _denied(part, operation, need)
                self.denied.append(str(error))
                raise error

    def _allows(self, statement: dict[str, Any], need: Need) -> bool:
        if need.action not in _listed(statement["Action"]):
            return False
        for keys in statement.get("Condition", {}).values():
            patterns = keys.get("dynamodb:LeadingKeys")
            if patterns is not None and not _matches(need.partition or "", patterns):
                return False
        if need.action.partition(":")[0] not in _COMPARED:
            return True
        resources = [self._arn(each) for each in _listed(statement["Resource"])]
        return _matches(need.resource, resources)

    def _arn(self, resource: Any) -> str:
        """Return a pattern for the resources that a value of the template names."""
        match resource:
            case {"Fn::GetAtt": name}:
                return self._attribute(name if isinstance(name, str) else ".".join(name))
            case {"Ref": "PineconeSecretArn"}:
                return self.secret
            case {"Fn::Sub": str(text)}:
                for name in ("Bucket.Arn", "VectorBucket.VectorBucketArn"):
                    text = text.replace(f"${{{name}}}", self._attribute(name))
                return text
            case _:
                return str(resource)

    def _attribute(self, name: str) -> str:
        return {
            "Bucket.Arn": f"arn:aws:s3:::{self.bucket}",
            "Table.Arn": "table",
            "VectorBucket.VectorBucketArn": "vectors",
        }.get(name, name)


_ACTING: ContextVar[tuple[Permissions, str] | None] = ContextVar("_ACTING", default=None)


@contextmanager
def acting_as(part: str, permissions: Permissions | None) -> Iterator[None]:
    """Make calls as a function, or with a role, of the template; in threads started here too."""
    token = _ACTING.set(None if permissions is None else (permissions, part))
    try:
        yield
    finally:
        _ACTING.reset(token)


def enforce_permissions(monkeypatch: pytest.MonkeyPatch, bucket: str) -> Permissions:
    """Refuse calls that the role of the acting part of the stack denies, for one test."""
    call, start, submit = (
        BaseClient._make_api_call,
        threading.Thread.start,
        ThreadPoolExecutor.submit,
    )

    def checked_call(client: Any, operation: str, request: dict[str, Any]) -> Any:
        acting = _ACTING.get()
        if acting is not None:
            permissions, part = acting
            permissions.check(part, client, operation, request)
        return call(client, operation, request)

    def start_in_context(thread: threading.Thread) -> None:
        context, work = copy_context(), thread.run
        thread.run = lambda: context.run(work)  # type: ignore[method-assign]
        start(thread)

    def submit_in_context(pool: Any, work: Any, /, *arguments: Any, **named: Any) -> Any:
        return submit(pool, copy_context().run, work, *arguments, **named)

    monkeypatch.setattr(BaseClient, "_make_api_call", checked_call)
    monkeypatch.setattr(threading.Thread, "start", start_in_context)
    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit_in_context)
    return Permissions(bucket)


def needs(service: str, operation: str, request: dict[str, Any]) -> Iterator[Need]:
    """Yield what IAM requires for a call of boto3."""
    match service:
        case "s3":
            bucket = f"arn:aws:s3:::{request.get('Bucket')}"
            keys = [each["Key"] for each in request.get("Delete", {}).get("Objects", [])]
            keys = keys or [request["Key"]] if "Key" in request else keys
            actions = _S3_ACTIONS.get(operation, [f"s3:{operation}"])
            if operation == "GetObject" and "VersionId" in request:
                actions = ["s3:GetObjectVersion"]
            for action in actions:
                for key in keys or [None]:
                    yield Need(action, bucket if key is None else f"{bucket}/{key}")
        case "dynamodb":
            yield from _needs_of_items(operation, request)
        case "s3vectors":
            index = request.get("indexName")
            resource = "vectors" if index is None else f"vectors/index/{index}"
            yield Need(f"s3vectors:{operation}", resource)
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_S3VectorBuckets_QueryVectors.html
            if operation in ("QueryVectors", "ListVectors") and (
                request.get("returnMetadata") or request.get("returnData") or request.get("filter")
            ):
                yield Need("s3vectors:GetVectors", resource)
        case "secretsmanager":
            yield Need(f"secretsmanager:{operation}", request["SecretId"])
        case _:
            name = {"Invoke": "InvokeFunction"}.get(operation, operation)
            yield Need(f"{_PREFIXES.get(service, service)}:{name}", "*")


def _needs_of_items(operation: str, request: dict[str, Any]) -> Iterator[Need]:
    if operation == "TransactWriteItems":
        for item in request["TransactItems"]:
            for kind, action in _TRANSACTION_ACTIONS.items():
                if kind in item:
                    key = item[kind].get("Key") or item[kind]["Item"]
                    yield Need(action, "table", key["pk"]["S"])
        return
    partitions: set[str | None] = set()
    for batch in request.get("RequestItems", {}).values():
        keys = (
            batch["Keys"]
            if "Keys" in batch
            else [
                next(iter(each.values())).get("Key") or each["PutRequest"]["Item"] for each in batch
            ]
        )
        partitions.update(key["pk"]["S"] for key in keys)
    for key in (request.get("Key"), request.get("Item")):
        if key is not None:
            partitions.add(key["pk"]["S"])
    if operation == "Query":
        partitions.add(request["ExpressionAttributeValues"][":pk"]["S"])
    for partition in partitions or {None}:
        yield Need(f"dynamodb:{operation}", "table", partition)


def statements(part: str, conditions: frozenset[str] = _CHOSEN) -> Iterator[dict[str, Any]]:
    """Yield the statements of a role or a function, by default with default parameters."""
    for policy in properties(part)["Policies"]:
        for statement in policy.get("PolicyDocument", policy)["Statement"]:
            if "Fn::If" not in statement:
                yield statement
            elif statement["Fn::If"][0] in conditions:
                yield statement["Fn::If"][1]


def _matches(text: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _denied(part: str, operation: str, need: Need) -> ClientError:
    code = "AccessDenied" if need.action.startswith("s3:") else "AccessDeniedException"
    message = f"{part} is not authorized to perform {need.action} on {need.resource}"
    if need.partition is not None:
        message += f" with the partition key {need.partition.partition('#')[0]}"
    status = {"HTTPStatusCode": 400 if need.action.startswith("dynamodb:") else 403}
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": status}, operation
    )
