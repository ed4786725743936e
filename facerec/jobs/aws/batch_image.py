"""Checks, before a job starts, that the container image of its children fits the stack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from facerec.core.aws_errors import aws_errors
from facerec.errors import NotFoundError, StoreUnavailableError

if TYPE_CHECKING:
    from facerec.jobs.aws.start_problems import AwsClients, Client

MODEL_VERSION_LABEL = "facerec.model-version"
"""Label of the image whose value is the version of its engine; the Dockerfile sets it."""

_ADDRESS = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[^.]+)\.[^/]+/"
    r"(?P<repository>[^:@]+)(:(?P<tag>[^@]+)|@(?P<digest>.+))"
)

_OCI_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
"""https://github.com/opencontainers/image-spec/blob/main/image-index.md"""

_GRAVITON = re.compile(r"a1|[a-z]+\d+[a-z]*g[a-z]*")
"""Matches the families of machines with Graviton processors, by the "g" after their generation
(https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html)."""

_TIMEOUT = 10.0
"""Timeout for the download of an image's configuration, in seconds."""


@dataclass(frozen=True, slots=True)
class ChildMachines:
    """The image of children and the machines that run it, by the parameters of a stack.

    Attributes:
        image: BatchImageUri, the address of the image.
        architecture: Architecture of the machines: ``x86_64`` or ``arm64``.
        model_version: ModelVersion, the version of the engine in the image.
        instance_types: InstanceTypes, types or families of machines; empty: AWS Batch chooses.
    """

    image: str
    architecture: str
    model_version: str
    instance_types: tuple[str, ...] = ()


def machine_problems(machines: ChildMachines, clients: AwsClients) -> Iterator[str]:
    """Yield the reasons why machines cannot run their image, one line each.

    An image outside the region of the clients, or outside of Amazon ECR, is not checked.

    Raises:
        FacerecError: Amazon ECR denies access or does not respond.
    """
    yield from _of_instance_types(machines)
    address = _ADDRESS.fullmatch(machines.image)
    if address is None:
        return
    ecr = clients.open("ecr")
    if ecr.meta.region_name != address["region"]:
        return
    repository = _Repository(ecr, address["account"], address["repository"])
    named = {"imageTag": address["tag"]} if address["tag"] else {"imageDigest": address["digest"]}
    yield from _of_manifest(repository.manifest(named), machines, repository)


def _of_instance_types(machines: ChildMachines) -> Iterator[str]:
    given = [each for each in machines.instance_types if each]
    named = [each for each in given if each not in ("optimal", "default_x86_64", "default_arm64")]
    for found in named:
        is_arm = _GRAVITON.fullmatch(found.partition(".")[0]) is not None
        if is_arm != (machines.architecture == "arm64"):
            has = "arm64" if is_arm else "x86_64"
            yield (
                f"InstanceTypes: {found} is {has}, but Architecture is {machines.architecture}:"
                f" name types of {machines.architecture}, or deploy with Architecture {has}"
            )


def _of_manifest(
    manifest: Mapping[str, Any] | None, machines: ChildMachines, repository: _Repository
) -> Iterator[str]:
    if manifest is None:
        yield (
            f"BatchImageUri: {machines.image} does not exist: deploy the stack again to build and"
            " push it"
        )
        return
    wanted = _OCI_ARCHITECTURES[machines.architecture]
    if "manifests" in manifest:
        # An image for several architectures: machines pull the variant for their own.
        platforms = {
            each.get("platform", {}).get("architecture"): each["digest"]
            for each in manifest["manifests"]
        }
        if wanted not in platforms:
            yield _other_architecture(machines, sorted(set(platforms) - {None, "unknown"}))
            return
        manifest = repository.manifest({"imageDigest": platforms[wanted]}) or {}
    if "config" not in manifest:
        return
    configuration = repository.configuration(manifest["config"]["digest"])
    architecture = configuration.get("architecture", wanted)
    if architecture != wanted:
        yield _other_architecture(machines, [architecture])
        return
    labels = (configuration.get("config") or {}).get("Labels") or {}
    # An image of an earlier release has no label: its children check their version themselves.
    version = labels.get(MODEL_VERSION_LABEL, machines.model_version)
    if version != machines.model_version:
        yield (
            f"ModelVersion: it is {machines.model_version}, but the image {machines.image} has"
            f" {version}: set ModelVersion to {version}, or deploy an image of"
            f" {machines.model_version}"
        )


def _other_architecture(machines: ChildMachines, found: list[str]) -> str:
    names = {oci: name for name, oci in _OCI_ARCHITECTURES.items()}
    for_which = " and ".join(names.get(each, each) for each in found) or "other machines"
    return (
        f"BatchImageUri: {machines.image} is for {for_which},"
        f" but Architecture is {machines.architecture}: deploy again with `make deploy`, which"
        " builds the image for the stack"
    )


class _Repository:
    """Reads the manifests and configurations of images in a repository of Amazon ECR.

    The configuration of an image is a blob like its layers, with an address that needs no
    credentials: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html
    """

    def __init__(self, ecr: Client, account: str, name: str) -> None:
        self._ecr, self._named = ecr, {"registryId": account, "repositoryName": name}

    def manifest(self, image: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the manifest of an image by its tag or digest; None if it does not exist.

        Raises:
            StoreUnavailableError: Amazon ECR does not return the image, or not as JSON.
            AccessDeniedError: The credentials do not allow the request.
        """
        missing = NotFoundError(f"the repository {self._named['repositoryName']}")
        try:
            with aws_errors("Amazon ECR", codes={"RepositoryNotFoundException": missing}):
                answer = self._ecr.batch_get_image(**self._named, imageIds=[image])
        except NotFoundError:
            return None
        if not answer["images"]:
            codes = {each.get("failureCode") for each in answer.get("failures", ())}
            if codes == {"ImageNotFound"}:
                return None
            reasons = ", ".join(sorted(filter(None, codes))) or "no reason given"
            raise StoreUnavailableError(f"Amazon ECR does not return the image: {reasons}")
        return _parsed(answer["images"][0]["imageManifest"])

    def configuration(self, digest: str) -> dict[str, Any]:
        """Return the configuration of an image.

        Raises:
            StoreUnavailableError: The configuration cannot be downloaded, or is not JSON.
            AccessDeniedError: The credentials do not allow the request.
        """
        with aws_errors("Amazon ECR"):
            answer = self._ecr.get_download_url_for_layer(**self._named, layerDigest=digest)
        try:
            with urlopen(answer["downloadUrl"], timeout=_TIMEOUT) as content:  # noqa: S310 - of ECR
                return _parsed(content.read())
        except OSError as error:
            raise StoreUnavailableError(
                "Amazon ECR does not return the configuration of the image"
            ) from error


def _parsed(content: str | bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise StoreUnavailableError("the response of Amazon ECR is not JSON") from error
    return found
