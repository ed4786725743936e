"""Facts about the images, read from the Dockerfile."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from facerec.jobs.aws.batch_image import MODEL_VERSION_LABEL
from tests.support.stack_template import ROOT, properties, template

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
WEIGHTS = {
    "dlib_face_recognition_resnet_model_v1",
    "mmod_human_face_detector",
    "shape_predictor_5_face_landmarks",
}


def stages() -> dict[str, str]:
    """Return the instructions of each stage by its name, without comments."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.M)
    parts = re.split(r"^FROM (\S+) AS (\w[\w-]*)$", text, flags=re.M)
    return {
        name: f"FROM {base}\n{body}"
        for base, name, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    }


def final(name: str) -> str:
    """Return the instructions of a stage and of the stages that it is made from."""
    text = stages()[name]
    base = re.match(r"FROM (\S+)", text)
    assert base
    return (final(base[1]) if base[1] in stages() else "") + text


def test_hadolint_finds_nothing() -> None:
    command = Path(sys.executable).with_name("hadolint")
    found = subprocess.run(
        [command, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


def test_the_base_image_is_an_argument() -> None:
    first = next(line for line in DOCKERFILE.splitlines() if re.match("(ARG|FROM)", line))
    assert first == "ARG BASE_IMAGE=public.ecr.aws/docker/library/python:3.11-slim-bookworm"
    assert stages()["build"].startswith("FROM ${BASE_IMAGE}")
    assert stages()["common"].startswith("FROM ${BASE_IMAGE}")


def test_only_three_of_the_four_weight_files_are_copied() -> None:
    assert set(re.findall(r"\b\w+(?:_v1|_detector|_landmarks)\b", DOCKERFILE)) == WEIGHTS
    assert "68" not in re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.M)
    for name in ("api", "batch"):
        copied = re.findall(r"^COPY --from=(\S+) (\S+)", final(name), flags=re.M)
        assert ("weights", "/opt/models") in copied
        # The libraries come from stages that never saw the package of weights.
        assert {stage for stage, source in copied if source == "/opt/facerec"} <= {
            "build",
            "api-build",
        }
    assert "face-recognition-models" not in (ROOT / "batch_job/requirements.txt").read_text("utf-8")


def test_the_final_images_have_no_compiler_and_no_shell_command() -> None:
    assert not re.search(r"apt|gcc|g\+\+|cmake|build-essential", final("batch") + final("api"))
    assert "--only-binary :all:" in stages()["build"]


def test_every_package_is_pinned_by_its_hash() -> None:
    installs = re.findall(r"pip [^&]*?install (?:.*\\\n)*.*", DOCKERFILE)
    assert len(installs) == 4
    for install in installs:
        assert "--require-hashes" in install


def test_both_images_run_as_an_unprivileged_user_and_receive_signals() -> None:
    for name, module in (("batch", "batch_job"), ("api", "awslambdaric")):
        stage = stages()[name]
        assert "\nUSER 10000:10000\n" in stage
        assert f'\nENTRYPOINT ["/opt/facerec/bin/python", "-m", "{module}"]' in stage


def test_networks_are_in_the_images_so_that_nothing_is_written_at_run_time() -> None:
    assert "batch_job.warm_up" in stages()["weights"]
    for name in ("api", "batch"):
        assert "FACEREC_CACHE=/opt/cache" in final(name)
        assert "COPY --from=weights /opt/cache /opt/cache" in final(name)


def test_the_image_of_the_jobs_names_its_model_version() -> None:
    version = template()["Parameters"]["ModelVersion"]["Default"]
    assert f"\nARG MODEL_VERSION={version}\n" in DOCKERFILE
    assert f"\nLABEL {MODEL_VERSION_LABEL}=$MODEL_VERSION\n" in stages()["batch"]
    # What does not have this version is not built.
    assert 'batch_job.warm_up examples/probe.jpg "$MODEL_VERSION"' in stages()["weights"]


def test_the_runtime_sends_no_telemetry() -> None:
    for name in ("api", "batch"):
        assert "ORT_DISABLE_TELEMETRY=1" in final(name)


def test_the_stack_builds_the_target_of_the_api() -> None:
    metadata = template()["Resources"]["ApiFunction"]["Metadata"]
    assert metadata["DockerBuildTarget"] in stages()
    assert properties("ApiFunction")["PackageType"] == "Image"


def test_the_job_definition_leaves_the_entry_point_to_the_image() -> None:
    assert "Command" not in properties("JobDefinition")["ContainerProperties"]
    assert list(stages())[-1] == "batch"
