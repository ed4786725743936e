"""The deployed stack, as tests speak to it."""

# ruff: noqa: ANN401 - boto3 has no static types
from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.e2e.deployment import Emulator, deploy
from tests.e2e.machine import CREDENTIALS, REGION, ROOT
from tests.e2e.undisturbed import Embeddings
from tests.support.pinecone_server import PineconeServer
from tests.support.s3vectors_server import S3VectorsServer

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")

PATIENCE = 300.0
"""Seconds without any change, or for an answer, after which the stack is said to hang."""


@dataclass(frozen=True)
class BuiltStack:
    """What stacks are deployed from and to.

    Attributes:
        emulator: Emulator of AWS.
        folder: Folder of the SAM CLI's build.
        pinecone: The index for stacks that store vectors in Pinecone.
        vectors: The fake of Amazon S3 Vectors.
    """

    emulator: Emulator
    folder: Path
    pinecone: PineconeServer
    vectors: S3VectorsServer


class DeployedStack:
    """A stack on the emulator.

    Attributes:
        name: Name of the stack.
        emulator: Emulator of AWS.
        pinecone: The index of the faces, if they are stored in Pinecone.
        parameters: Parameters of the deployment.
    """

    def __init__(self, built: BuiltStack, name: str) -> None:
        self.name, self._built = name, built
        self.emulator, self.pinecone = built.emulator, built.pinecone
        self.parameters: dict[str, str] = {}

    def deploy(self, **parameters: str) -> None:
        """Deploy the stack, or update it."""
        forgotten = self.__dict__
        forgotten.pop("outputs", None)
        deploy(
            self.emulator, self._built.folder, {**self.parameters, **parameters}, stack=self.name
        )

    def client(self, service: str) -> Any:
        """Return a client of a service."""
        return boto3.client(
            service,
            endpoint_url=self.emulator.endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    @cached_property
    def outputs(self) -> dict[str, str]:
        """Return the outputs of the stack."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    @cached_property
    def s3(self) -> Any:
        """Return a client of S3."""
        return self.client("s3")

    def put(self, key: str, content: bytes) -> str:
        """Put an object into the stack's bucket; return its address."""
        self.s3.put_object(Bucket=self.outputs["BucketName"], Key=key, Body=content)
        return f"s3://{self.outputs['BucketName']}/{key}"

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of objects."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.outputs["BucketName"], Prefix=prefix
        )
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def read(self, key: str) -> bytes:
        """Read an object."""
        content: bytes = self.s3.get_object(Bucket=self.outputs["BucketName"], Key=key)[
            "Body"
        ].read()
        return content

    def start(self, document: dict[str, Any], name: str) -> str:
        """Start an execution; return its ARN."""
        started = self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["WorkflowArn"], name=name, input=json.dumps(document)
        )
        arn: str = started["executionArn"]
        return arn

    def ended(self, execution: str) -> dict[str, Any]:
        """Wait for the end of an execution."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client("stepfunctions").describe_execution(
                executionArn=execution
            )
            return None if found["status"] == "RUNNING" else found

        return until(look, self.progress)

    def progress(self) -> object:
        """Return something that differs as long as the stack does its work."""
        stored = [len(space) for space in self.pinecone.namespaces.values()]
        return self.keys(""), sorted(self.emulator.containers()), stored

    def ledger(self, job_folder: str) -> list[dict[str, Any]]:
        """Return the rows of a job's ledger, in no order."""
        rows = []
        for key in self.keys(f"{job_folder}ledger/"):
            rows += [json.loads(line) for line in self.read(key).splitlines()[1:]]
        return rows

    def faces(self, collection_id: str) -> Embeddings:
        """Return the faces in the index."""
        (space,) = (
            space
            for name, space in self.pinecone.namespaces.items()
            if name.partition("@")[0] == collection_id and "/" not in name
        )
        return {face_id: vector["values"] for face_id, vector in space.items()}

    def post(
        self,
        path: str,
        document: dict[str, Any],
        headers: dict[str, str] | None = None,
        *,
        token: str | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Send a signed request, or one with a token; return the status and the document."""
        body = json.dumps(document).encode()
        named = {"Content-Type": "application/json", **(headers or {})}
        status, answer = self._send("POST", path, body, named, token)
        return status, json.loads(answer)

    def get(self, path: str, accept: str) -> tuple[int, bytes]:
        """Send a signed GET request; return the status and the body as it arrives."""
        return self._send("GET", path, None, {"Accept": accept}, None)

    def _send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], token: str | None
    ) -> tuple[int, bytes]:
        api = urlsplit(self.outputs["ApiUrl"])
        stage = f"{self.emulator.endpoint}/restapis/{api.netloc.partition('.')[0]}{api.path}"
        signed = AWSRequest(method, f"{stage}/_user_request_{path}", headers, body)
        credentials = Credentials(*(CREDENTIALS[name] for name in KEYS))
        if token is None:
            SigV4Auth(credentials, "execute-api", REGION).add_auth(signed)
        else:
            signed.headers["Authorization"] = token
        request = urllib.request.Request(signed.url, body, dict(signed.headers), method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def facerec(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run a command of facerec on the stack."""
        return subprocess.run(
            [sys.executable, "-m", "facerec.cli.main", *map(str, words)],
            env={**self.emulator.environment, "FACEREC_STACK": self.name},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )

    def remains(self) -> list[str]:
        """Return what is left in the account of what costs or keeps anything.

        The bucket that the SAM CLI keeps for all stacks is not part of it.
        """
        buckets = [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]
        functions = self.client("lambda").list_functions()["Functions"]
        queues = self.client("batch").describe_job_queues()["jobQueues"]
        definitions = self.client("batch").describe_job_definitions(status="ACTIVE")
        repositories = self.client("ecr").describe_repositories()["repositories"]
        return [
            *(name for name in buckets if not name.startswith("aws-sam-cli-managed-default")),
            *self.client("dynamodb").list_tables()["TableNames"],
            *(function["FunctionName"] for function in functions),
            *(queue["jobQueueName"] for queue in queues),
            *self._built.vectors.buckets,
            *(each["jobDefinitionArn"] for each in definitions["jobDefinitions"]),
            *(each["repositoryName"] for each in repositories),
        ]

    def logs(self) -> list[str]:
        """Return all lines of all logs of the stack."""
        logs = self.client("logs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        return [
            event["message"]
            for group in groups
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            for event in page["events"]
        ]


def until(look: Callable[[], Any], progress: Callable[[], object]) -> Any:
    """Look for something again and again; return it.

    A slow machine may take long: it has failed once nothing has changed for ``PATIENCE``.
    """
    before, changed = progress(), time.monotonic()
    while (found := look()) is None:
        now = progress()
        if now != before:
            before, changed = now, time.monotonic()
        assert time.monotonic() < changed + PATIENCE, "it did not happen, and nothing else did"
        time.sleep(0.2)
    return found
