"""The images as they were built: what is in them, and what a program in them may do."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.images import FOLDER, built_images, configuration, enter, image_environment

TARGETS = ("batch", "api")

OWN = ("opt/facerec", "opt/models", "opt/cache", "app")
"""What the Dockerfile puts on top of its base."""

MAX_OWN_MB = {"batch": 345, "api": 570}
"""Megabytes on top of the base; AWS Batch advises images below 4 GB."""

MOUNTED = {"proc", "sys", "dev", "tmp", "run"}


@pytest.fixture(scope="module", autouse=True)
def images() -> None:
    if not os.environ.get("FACEREC_E2E"):
        pytest.skip("builds both images: run `make e2e`")
    built_images({})


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def inside(target: str, code: str) -> str:
    """Run a line of Python in an image; return what it prints."""
    python = configuration(target)["Entrypoint"][0]
    done = subprocess.run(
        [*enter(target), python, "-c", code],
        env=image_environment(target),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(target: str, *folders: str) -> Iterator[Path]:
    for folder in folders or ("",):
        for path in (FOLDER / target / folder).rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path


def test_an_image_is_as_large_as_the_documentation_says(target: str) -> None:
    megabytes = sum(path.stat().st_size for path in files(target, *OWN)) / 1e6
    assert MAX_OWN_MB[target] - 60 < megabytes < MAX_OWN_MB[target], megabytes


def test_the_engine_finds_a_face_without_a_network_and_without_writing(target: str) -> None:
    code = (
        "import json, os\n"
        "from facerec.engine.engine import open_engine\n"
        "from facerec.engine.self_check import check_engine\n"
        "engine = open_engine(threads=1)\n"
        "check_engine(engine)\n"
        "print(json.dumps([os.getuid(), os.getgid(), os.getgroups(), engine.model_version]))\n"
    )
    user, group, groups, version = json.loads(inside(target, code))
    assert (user, group, groups) == (10000, 10000, [10000])
    assert version.startswith("dlib-resnet-v1:")


def test_only_the_api_can_estimate_age_and_gender(target: str) -> None:
    code = (
        "from facerec.engine.attributes import AttributeNetworks\n"
        "print(AttributeNetworks(threads=1).is_installed)\n"
    )
    assert inside(target, code).strip() == str(target == "api")


def test_a_program_can_write_nowhere_but_in_memory(target: str) -> None:
    code = (
        "import json, os\n"
        "def writable(folder):\n"
        "    try:\n"
        "        open(f'{folder}/probe', 'w').close()\n"
        "        return True\n"
        "    except OSError:\n"
        "        return False\n"
        "folders = ['/app', '/opt', '/opt/cache', '/etc', '/var/tmp', '/usr/bin', '/tmp', '/']\n"
        "print(json.dumps([folder for folder in folders if writable(folder)]))\n"
    )
    assert json.loads(inside(target, code)) == ["/tmp"]


def test_no_program_gives_more_rights_than_its_caller_has(target: str) -> None:
    with_rights = [
        path
        for path in files(target)
        if path.relative_to(FOLDER / target).parts[0] not in MOUNTED
        and path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)
    ]
    assert with_rights == []


def test_what_may_not_be_shipped_is_not_there(target: str) -> None:
    names = {path.name for path in files(target)}
    assert not {name for name in names if "68_face" in name}
    assert not names & {"gcc", "g++", "cc1plus", "cmake"}
    packages = {path.parent.name for path in files(target, "opt/facerec") if path.name == "RECORD"}
    assert not {name for name in packages if name.startswith(("onnx-", "face_recognition_models"))}
    assert not list((FOLDER / target / "app").rglob("tests"))
