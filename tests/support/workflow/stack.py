"""The stack on moto: the real state machine, handlers and container entry, nothing deployed."""

# ruff: noqa: ANN401 - moto has no static types
from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from batch_job.task import run
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.jobs.aws.executions import Executions
from facerec.jobs.aws.jobs import AwsJobs
from facerec.storage.objects import Objects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.permissions import acting_as, enforce_permissions
from tests.support.stack_template import (
    container_environment,
    function_environment,
    handler_of,
    properties,
    state_machine,
)
from tests.support.workflow.machines import Killed, Machines

BUCKET = "facerec-work"
PHOTOS = 40

FUNCTIONS = ("PlanFunction", "ReportFunction", "ErasureFunction", "EventsFunction")


@dataclass
class Accidents:
    """What befalls attempts at children; each is (child, attempt) from 0 and 1 on.

    Attributes:
        killed: The machine is gone after the first photos of the attempt.
        asked_to_stop: SIGTERM comes after the first photos.
        broken: The engine fails in a way that nobody foresaw.
        before: Called before each attempt.
    """

    killed: set[tuple[int, int]] = field(default_factory=set)
    asked_to_stop: set[tuple[int, int]] = field(default_factory=set)
    broken: set[tuple[int, int]] = field(default_factory=set)
    before: Callable[[int, int], None] = lambda child, attempt: None


class FrailEngine(FakeEngine):
    """A fake engine to which something happens after some photos."""

    def __init__(self, happens: Callable[[], None], after: int) -> None:
        super().__init__()
        self._happens, self._after = happens, after

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        if self.analysed >= self._after:
            self._happens()
        return super().analyse(photos, options)


@dataclass
class Ended:
    """An ended execution.

    Attributes:
        status: SUCCEEDED or FAILED.
        output: Output of a success.
        error: Error of a failure.
        cause: Cause of a failure.
        states: Entered states in order.
        largest: Maximum bytes of the input or output of a state.
    """

    status: str
    output: dict[str, Any]
    error: str | None
    cause: str
    states: list[str]
    largest: int


@dataclass
class Context:
    """The context of an invocation of a function.

    Attributes:
        seconds_left: Seconds until the function is stopped.
    """

    seconds_left: float = 900.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds_left * 1000)


class Stack:
    """A deployed stack, as far as tests need one."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
        self.store = folder / "store.sqlite"
        self.accidents = Accidents()
        self.context = Context()
        self.function_faults: list[str] = []
        self.held: list[str] | None = None
        self.analysed = 0
        self.child_version = "fake-1"
        self.clustering: dict[str, str] = {}
        # By default without further submissions, so that what fails a child is seen at once.
        self._settings = {
            "FACEREC_STORE": f"sqlite:///{self.store}",
            "RESUBMISSIONS": "0",
            **settings,
        }
        for name, value in self._environment(function_environment("PlanFunction")).items():
            monkeypatch.setenv(name, value)
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        self._workflow = boto3.client("stepfunctions")
        self._executions = 0
        monkeypatch.setattr(
            LambdaSimpleBackend,
            "invoke",
            lambda backend, *request: self._invoke(backend, *request),
        )
        clustering = properties("ClusteringDefinition")["ContainerProperties"]["Command"]
        self.machines = Machines(
            self._container,
            self._environment(container_environment()),
            {"ClusteringDefinition": clustering},
        )
        self.machines.install(monkeypatch)
        self.permissions = enforce_permissions(monkeypatch, BUCKET)
        self._machine = self._deploy()

    def put(self, key: str, content: bytes) -> str:
        """Put an object; return its address."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    def put_photos(self, count: int = PHOTOS, *, readable: bool = True) -> list[str]:
        """Put photos of one person each."""
        return [
            self.put(
                f"photos/{number}.jpg",
                fake_photo(fake_face(f"person {number}")) if readable else b"no photo",
            )
            for number in range(count)
        ]

    def put_manifest(self, lines: int, *, readable: bool = True, key: str = "all.jsonl") -> str:
        """Put a manifest whose lines go round a few photos, each with an id of its own."""
        photos = self.put_photos(min(lines, PHOTOS), readable=readable)
        written = (
            json.dumps({"image": photos[line % len(photos)], "external_image_id": f"line:{line}"})
            for line in range(lines)
        )
        return self.put(key, "".join(f"{line}\n" for line in written).encode())

    def execute(self, document: object) -> Ended:
        """Start an execution and wait for its end."""
        self._executions += 1
        arn = self._workflow.start_execution(
            stateMachineArn=self._machine,
            name=f"run-{self._executions}",
            input=json.dumps(document),
        )["executionArn"]
        return self._wait(arn)

    def wait_for(self, name: str) -> Ended:
        """Wait for the end of an execution that something else has started."""
        return self._wait(f"{self._machine.replace(':stateMachine:', ':execution:')}:{name}")

    def _wait(self, arn: str) -> Ended:
        # Asked of moto itself: requests would take the time of the execution that they wait for.
        backend = stepfunctions_parser_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]
        execution = backend.describe_execution(arn)
        while execution.status == "RUNNING":
            time.sleep(0.005)
        found = self._workflow.describe_execution(executionArn=arn)
        events = self._workflow.get_execution_history(executionArn=arn)["events"]
        return Ended(
            status=found["status"],
            output=json.loads(found.get("output", "{}")),
            error=found.get("error"),
            cause=found.get("cause", ""),
            states=[
                event["stateEnteredEventDetails"]["name"]
                for event in events
                if "stateEnteredEventDetails" in event
            ],
            largest=max(len(json.dumps(event, default=str)) for event in events),
        )

    @property
    def jobs(self) -> AwsJobs:
        """The jobs of the stack, as commands and the API see them."""
        return AwsJobs(Executions(self._machine, self._workflow), Objects(), f"s3://{BUCKET}/jobs/")

    def index(self, manifest: str, **options: object) -> Ended:
        """Index a manifest into a collection that is made for it."""
        return self.execute(
            {
                "collection_id": "staff",
                "create_collection": True,
                "manifest": manifest,
                **options,
            }
        )

    def face_ids(self, collection_id: str = "staff") -> list[str]:
        """Return the ids of all faces of a collection."""
        with SqliteStore(self.store) as store:
            return [face.face_id for face in store.list_faces(collection_id, limit=100_000)]

    def read_json(self, address: str) -> dict[str, Any]:
        """Read an object of JSON."""
        key = address.removeprefix(f"s3://{BUCKET}/")
        content = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return json.loads(content)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys under a prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def forget(self) -> None:
        """Delete all faces, collections and jobs."""
        with SqliteStore(self.store) as store:
            for collection in store.list_collections():
                store.delete_namespace(collection.collection_id)
                store.delete_collection(collection.collection_id)
        for key in self.keys("jobs/"):
            self.s3.delete_object(Bucket=BUCKET, Key=key)

    def ledger(self) -> list[dict[str, Any]]:
        """Return all rows of all ledgers."""
        rows = []
        for key in self.keys("jobs/"):
            if "/ledger/" in key:
                part = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
                rows += [json.loads(line) for line in part.splitlines()[1:]]
        return rows

    def _environment(self, declared: Mapping[str, Any]) -> dict[str, str]:
        """Return an environment with exactly the variables that the template declares."""
        values = {
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_S3_BUCKET": BUCKET,
            "FACEREC_TABLE": "unused",
            "FACEREC_THREADS": "1",
            "VECTOR_BUCKET": "unused",
            "EVENT_BUS": "",
            "PINECONE_INDEX_NAME": "unused",
            "PINECONE_INDEX_HOST": "unused",
            "PINECONE_INTEGRATION_ID": "",
            "MODEL_VERSION": "fake-1",
            "MAX_FACES_PER_IMAGE": "10",
            "MIN_FACE_CONFIDENCE": "0.9",
            "SIMILARITY_THRESHOLD": "0.8",
            "BATCH_IMAGE": "",
            "PINECONE_SECRET_ARN": "",
            "ARCHITECTURE": "x86_64",
            "INSTANCE_TYPES": "",
            "CHILD_MEMORY": "1792",
            "POWERTOOLS_SERVICE_NAME": "facerec",
            "POWERTOOLS_METRICS_NAMESPACE": "Facerec",
        }
        values |= self.clustering
        return {name: values[name] for name in declared} | self._settings

    def _deploy(self) -> str:
        role = boto3.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
        role_arn = role["Role"]["Arn"]
        lambdas, batch = boto3.client("lambda"), boto3.client("batch")
        arns = {
            f"{name}Arn": lambdas.create_function(
                FunctionName=name,
                Runtime="python3.11",
                Role=role_arn,
                Handler=handler_of(name),
                Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
            )["FunctionArn"]
            for name in FUNCTIONS
        }
        network = boto3.client("ec2")
        environment = batch.create_compute_environment(
            computeEnvironmentName="machines",
            type="MANAGED",
            state="ENABLED",
            computeResources={
                "type": "FARGATE",
                "maxvCpus": 4,
                "subnets": [network.describe_subnets()["Subnets"][0]["SubnetId"]],
                "securityGroupIds": [
                    network.describe_security_groups()["SecurityGroups"][0]["GroupId"]
                ],
            },
            serviceRole=role_arn,
        )
        queue = batch.create_job_queue(
            jobQueueName="queue",
            state="ENABLED",
            priority=1,
            computeEnvironmentOrder=[
                {"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}
            ],
        )
        job = batch.register_job_definition(
            jobDefinitionName="child",
            type="container",
            containerProperties={"image": "any", "vcpus": 1, "memory": 1024},
        )
        definition = batch.register_job_definition(
            jobDefinitionName="ClusteringDefinition",
            type="container",
            containerProperties={"image": "any", "vcpus": 1, "memory": 1024},
        )
        self.clustering = {
            "JOB_QUEUE_ARN": queue["jobQueueArn"],
            "CLUSTERING_DEFINITION": definition["jobDefinitionArn"],
        }
        machine = self._workflow.create_state_machine(
            name="index",
            roleArn=role_arn,
            definition=state_machine(
                **arns, JobQueueArn=queue["jobQueueArn"], JobDefinitionArn=job["jobDefinitionArn"]
            ),
        )
        return machine["stateMachineArn"]

    def _invoke(
        self, backend: Any, name: str, qualifier: Any, body: Any, headers: Any, answer: Any
    ) -> bytes:
        function = backend.get_function(name, qualifier).function_name
        if self.held is not None and headers.get("X-Amz-Invocation-Type") == "Event":
            # An asynchronous invocation waits in Lambda's queue.
            self.held.append(body)
            return b""
        module, _, attribute = handler_of(function).rpartition(".")
        handler = getattr(import_module(module), attribute)
        try:
            if self.function_faults:
                raise _fault(self.function_faults.pop(0))
            with acting_as(function, self.permissions):
                returned = handler(json.loads(body), self.context)
        except Exception as error:
            answer["x-amz-function-error"] = "Unhandled"
            returned = {"errorType": type(error).__name__, "errorMessage": str(error)}
        return json.dumps(returned).encode()

    def _container(self, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
        if list(arguments) == ["suggest"]:
            with acting_as("ClusteringRole", self.permissions):
                return run(arguments, environment)
        offset = int(environment.get("FACEREC_CHILD_OFFSET", 0))
        child = offset + int(environment.get("AWS_BATCH_JOB_ARRAY_INDEX", 0))
        if environment.get("FACEREC_CHILD_NUMBERS"):
            child = self.read_json(environment["FACEREC_CHILD_NUMBERS"])[child]
        place = (child, int(environment["AWS_BATCH_JOB_ATTEMPT"]))
        self.accidents.before(*place)
        engine = self._engine(place)
        asked = place in self.accidents.asked_to_stop
        try:
            with acting_as("JobRole", self.permissions):
                return run(
                    arguments,
                    environment,
                    stop=lambda: asked and engine.analysed > 0,
                    build_engine=lambda threads: engine,
                )
        finally:
            self.analysed += engine.analysed

    def _engine(self, place: tuple[int, int]) -> FakeEngine:
        if place in self.accidents.killed:
            return FrailEngine(_die, after=40)
        if place in self.accidents.broken:
            return FrailEngine(_break, after=0)
        return FakeEngine(self.child_version)


def _die() -> None:
    raise Killed


def _break() -> None:
    raise RuntimeError("nobody foresaw this")


def _fault(name: str) -> Exception:
    return type(name, (Exception,), {})("a fault of the platform")
