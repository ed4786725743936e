"""An image that machines cannot run is refused before any starts, by the name of a parameter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from facerec.errors import ConfigurationError
from facerec.jobs.aws.batch_image import MODEL_VERSION_LABEL, ChildMachines, machine_problems
from facerec.jobs.aws.preflight import require_startable_children
from facerec.jobs.aws.start_problems import AwsClients
from facerec.jobs.aws.vector_stores import JobVectors
from tests.support.ecr_server import EcrServer

REGION = "eu-west-1"
REPOSITORY = "facerec/batch"
REGISTRY = f"123456789012.dkr.ecr.{REGION}.amazonaws.com"
IMAGE = f"{REGISTRY}/{REPOSITORY}:new"
VERSION = "dlib-resnet-v1:55533b28/5pt:c4b1e980/pad0.25/single"
OTHER_VERSION = "dlib-resnet-v1:ffffffff/5pt:c4b1e980/pad0.25/single"

X86 = ChildMachines(IMAGE, "x86_64", VERSION)
ARM = replace(X86, architecture="arm64")


@pytest.fixture
def registry() -> Iterator[EcrServer]:
    with EcrServer() as server:
        yield server


@pytest.fixture
def clients(registry: EcrServer) -> AwsClients:
    def client(service: str) -> Any:  # noqa: ANN401 - boto3 has no static types
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=registry.address,
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}),
        )

    return AwsClients(client)


def push(registry: EcrServer, architecture: str, version: str | None = VERSION) -> str:
    labels = None if version is None else {MODEL_VERSION_LABEL: version}
    return registry.push(REPOSITORY, "new", architecture, labels)


def problems(machines: ChildMachines, clients: AwsClients) -> list[str]:
    found = list(machine_problems(machines, clients))
    assert not [problem for problem in found if "\n" in problem]
    return found


def test_an_image_that_fits_the_machines_is_accepted(
    registry: EcrServer, clients: AwsClients
) -> None:
    digest = push(registry, "amd64")
    assert problems(X86, clients) == []
    by_digest = replace(X86, image=f"{REGISTRY}/{REPOSITORY}@{digest}")
    assert problems(by_digest, clients) == []
    push(registry, "arm64")
    assert problems(ARM, clients) == []


@pytest.mark.parametrize("repository", [True, False])
def test_an_image_that_does_not_exist_is_refused(
    registry: EcrServer, clients: AwsClients, repository: bool
) -> None:
    if repository:
        registry.push(REPOSITORY, "old", "amd64")
    (problem,) = problems(X86, clients)
    assert problem.startswith(f"BatchImageUri: {IMAGE} does not exist: deploy the stack again")


@pytest.mark.parametrize(("built", "machines"), [("arm64", X86), ("amd64", ARM)])
def test_an_image_for_another_architecture_is_refused(
    registry: EcrServer, clients: AwsClients, built: str, machines: ChildMachines
) -> None:
    push(registry, built)
    other = {"arm64": "arm64", "amd64": "x86_64"}[built]
    (problem,) = problems(machines, clients)
    said = f"BatchImageUri: {IMAGE} is for {other}, but Architecture is {machines.architecture}: "
    assert problem.startswith(said)
    assert "make deploy" in problem


def test_an_image_for_several_architectures_is_examined_as_machines_take_it(
    registry: EcrServer, clients: AwsClients
) -> None:
    arm = registry.push(REPOSITORY, "arm", "arm64", {MODEL_VERSION_LABEL: OTHER_VERSION})
    x86 = registry.push(REPOSITORY, "x86", "amd64", {MODEL_VERSION_LABEL: VERSION})
    registry.push_index(REPOSITORY, "new", {"amd64": x86, "arm64": arm})
    assert problems(X86, clients) == []
    (problem,) = problems(ARM, clients)
    assert problem.startswith("ModelVersion: ")

    registry.push_index(REPOSITORY, "new", {"arm64": arm})
    (problem,) = problems(X86, clients)
    assert "is for arm64, but Architecture is x86_64" in problem


def test_an_image_with_another_model_version_is_refused(
    registry: EcrServer, clients: AwsClients
) -> None:
    push(registry, "amd64", OTHER_VERSION)
    (problem,) = problems(X86, clients)
    assert problem == (
        f"ModelVersion: it is {VERSION}, but the image {IMAGE} has {OTHER_VERSION}: set"
        f" ModelVersion to {OTHER_VERSION}, or deploy an image of {VERSION}"
    )


@pytest.mark.parametrize("version", [None, VERSION])
def test_an_image_without_a_label_is_left_to_its_children(
    registry: EcrServer, clients: AwsClients, version: str | None
) -> None:
    push(registry, "amd64", version)
    assert problems(X86, clients) == []


@pytest.mark.parametrize(
    ("architecture", "types", "wrong"),
    [
        ("x86_64", "c7i,c6i.large,m7i-flex,optimal,g4dn.xlarge,r8i,u-6tb1,vt1,default_x86_64", ""),
        ("arm64", "c7g,m6gd.large,t4g.small,a1,im4gn,x2gd,hpc7g,r8gb,i8ge,g5g,default_arm64", ""),
        ("x86_64", "c7i,c7gn.large", "c7gn.large is arm64, but Architecture is x86_64"),
        ("arm64", "c7g,m7a", "m7a is x86_64, but Architecture is arm64"),
    ],
)
def test_machines_of_another_architecture_are_refused(
    registry: EcrServer, clients: AwsClients, architecture: str, types: str, wrong: str
) -> None:
    push(registry, {"x86_64": "amd64", "arm64": "arm64"}[architecture])
    machines = replace(X86, architecture=architecture, instance_types=tuple(types.split(",")))
    found = problems(machines, clients)
    if not wrong:
        assert found == []
        return
    (problem,) = found
    assert problem.startswith(f"InstanceTypes: {wrong}: name types of {architecture}, or deploy")


def test_an_image_in_another_region_is_not_examined(
    registry: EcrServer, clients: AwsClients
) -> None:
    registry.repositories.clear()
    elsewhere = replace(X86, image=IMAGE.replace(REGION, "us-east-1"))
    assert problems(elsewhere, clients) == []


def test_a_plan_refuses_what_cannot_run_and_lets_the_rest_go_on(
    registry: EcrServer, clients: AwsClients
) -> None:
    push(registry, "arm64")
    with pytest.raises(ConfigurationError, match="Architecture is x86_64") as refused:
        require_startable_children(X86, JobVectors(), clients)
    assert "\n" not in refused.value.message
    # Jobs do not depend on the answers of the registry to the plan.
    registry.fail("BatchGetImage", 500, 1)
    require_startable_children(X86, JobVectors(), clients)
    registry.fail("GetDownloadUrlForLayer", 500, 1)
    require_startable_children(X86, JobVectors(), clients)
