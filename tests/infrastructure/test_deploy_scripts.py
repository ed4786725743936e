"""What the scripts of ``deploy/`` ask of the AWS CLI, the SAM CLI and Docker, which are stand-ins.

The stand-ins note each call with the region that it would use, and answer what a test has set.
``tests/e2e`` runs the same scripts against an emulator.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from facerec.api.auth.grants import is_same
from tests.support.long import mostly_long
from tests.support.stack_template import ROOT

ACCOUNT = "123456789012"
SAM_PYTHON = ROOT / ".venv-sam" / "bin" / "python"
TOOLS = (
    "bash",
    "cat",
    "cut",
    "date",
    "dirname",
    "find",
    "sha256sum",
    "sort",
    "tail",
    "xargs",
    "grep",
    "md5sum",
    "mktemp",
    "rm",
    "sed",
    "tr",
)

READ_PARAMETERS = """
import json, shlex, sys
from samcli.cli.types import CfnParameterOverridesType
print(json.dumps(CfnParameterOverridesType().convert((sys.argv[1],), None, None)))
"""
"""Program that prints the parameters as the SAM CLI reads them."""

COMPANION_NAME = """
import sys
from samcli.lib.bootstrap.companion_stack.data_types import CompanionStack
print(CompanionStack(sys.argv[1]).stack_name)
"""
"""Program that prints the name of the stack in which the SAM CLI keeps images of a stack."""

STAND_IN = """#!/usr/bin/env bash
echo "$AWS_REGION $AWS_DEFAULT_REGION {name} $*" >> "$CALLS"
[[ "$*" != *--password-stdin* && "$*" != "s3 cp"* ]] || cat > /dev/null
while IFS=$'\\t' read -r start status answer; do
  if [[ "{name} $*" == $start* ]]; then
    [ "$status" = 0 ] || exec >&2
    [ -z "$answer" ] || printf '%s\\n' "$answer"
    exit "$status"
  fi
done < "$ANSWERS"
"""


SLEEP = """#!/usr/bin/env bash
echo "$AWS_REGION $AWS_DEFAULT_REGION sleep $*" >> "$CALLS"
[ ! -s "$ANSWERS.later" ] || cat "$ANSWERS.later" > "$ANSWERS"
"""
"""Takes no time. After it, other answers may hold."""


@dataclass
class Console:
    """A machine with the AWS CLI, the SAM CLI, Docker and the usual tools of a shell, no others.

    Attributes:
        answers: Exit status and output by how a command begins; any other succeeds silently.
        later: Answers that take the place of these once a script has waited.
    """

    folder: Path
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    later: dict[str, tuple[int, str]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=lambda: {"AWS_REGION": "eu-west-1"})

    def __post_init__(self) -> None:
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (self.folder / tool).symlink_to(found)
        for name in ("aws", "sam", "docker"):
            stand_in = self.folder / name
            stand_in.write_text(STAND_IN.format(name=name))
            stand_in.chmod(0o755)
        (self.folder / "sleep").write_text(SLEEP)
        (self.folder / "sleep").chmod(0o755)

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        calls, answers = self.folder / "calls", self.folder / "answers"
        calls.write_text("")
        answers.write_text(_lines(self.answers))
        (self.folder / "answers.later").write_text(_lines(self.later))
        given = {"PATH": str(self.folder), "CALLS": str(calls), "ANSWERS": str(answers)}
        return subprocess.run(
            [ROOT / "deploy" / script, *arguments],
            env={**given, **self.settings},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """The commands, without their regions."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [line.split(" ", 2)[2] for line in lines]

    @property
    def regions(self) -> set[tuple[str, str]]:
        """The values of both variables that name the region, of all commands."""
        lines = (self.folder / "calls").read_text().splitlines()
        return {(line.split(" ")[0], line.split(" ")[1]) for line in lines}


def companion_of(stack: str) -> str:
    """Return the name of the stack in which the SAM CLI keeps the images of a stack."""
    digest = hashlib.md5(stack.encode(), usedforsecurity=False).hexdigest()
    return f"{stack[:104]}-{digest[:8]}-CompanionStack"


COMPANION = f"aws cloudformation describe-stacks --stack-name {companion_of('try')}"


def _lines(answers: dict[str, tuple[int, str]]) -> str:
    return "".join(f"{start}\t{status}\t{text}\n" for start, (status, text) in answers.items())


NO_STACK = (254, "(ValidationError): Stack with id try does not exist")


@pytest.fixture
def console(tmp_path: Path) -> Console:
    answers = {
        COMPANION: NO_STACK,
        "aws sts get-caller-identity --query Account": (0, ACCOUNT),
        "aws ecr describe-images": (254, "An error occurred (ImageNotFoundException)"),
        "aws ecr get-login-password": (0, "password"),
    }
    return Console(tmp_path, answers)


@pytest.fixture
def pushed(console: Console) -> Callable[..., str]:
    """Return a function that pushes the image of a stack and returns its address."""

    def push(*arguments: str) -> str:
        done = console.run("push_image.sh", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    return push


@pytest.mark.parametrize(
    "settings",
    [
        {"AWS_REGION": "eu-west-1"},
        {"AWS_DEFAULT_REGION": "eu-west-1"},
        {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"},
    ],
)
def test_one_region_is_used_by_every_command(
    console: Console, pushed: Callable[..., str], settings: dict[str, str]
) -> None:
    console.settings = settings
    assert ".ecr.eu-west-1.amazonaws.com/facerec/batch:" in pushed()
    assert console.regions == {("eu-west-1", "eu-west-1")}


def test_the_region_may_be_that_of_the_profile_or_an_option(
    console: Console, pushed: Callable[..., str]
) -> None:
    console.settings = {}
    console.answers["aws configure get region"] = (0, "ap-south-1")
    assert ".ecr.ap-south-1." in pushed()
    assert ".ecr.us-west-2." in pushed("--region", "us-west-2")
    assert console.regions == {("us-west-2", "us-west-2")}


def test_without_a_region_nothing_is_asked(console: Console) -> None:
    console.settings = {}
    done = console.run("push_image.sh")
    assert done.returncode == 2
    assert "set AWS_REGION" in done.stderr
    assert console.calls == ["aws configure get region"]


def test_each_stack_has_a_repository_of_its_own_without_a_rule_that_expires(
    console: Console, pushed: Callable[..., str]
) -> None:
    console.answers["aws ecr describe-repositories"] = (254, "(RepositoryNotFoundException)")
    assert "/try/batch:" in pushed("try")
    (created,) = (call for call in console.calls if "create-repository" in call)
    assert "--repository-name try/batch" in created
    assert "IMMUTABLE" in created
    assert not [call for call in console.calls if "lifecycle" in call]


def test_an_image_that_is_there_is_not_built_again(
    console: Console, pushed: Callable[..., str]
) -> None:
    first = pushed("facerec", "arm64")
    assert [call.split()[1] for call in console.calls if call.startswith("docker")] == [
        "info",
        "login",
        "build",
        "push",
    ]
    console.answers["aws ecr describe-images"] = (0, "sha256:1234")
    assert pushed("facerec", "arm64") == first
    assert not [call for call in console.calls if call.startswith("docker")]


@pytest.mark.parametrize("question", ["aws ecr describe-repositories", "aws ecr describe-images"])
def test_what_cannot_be_asked_for_is_not_taken_for_absent(console: Console, question: str) -> None:
    console.answers[question] = (254, "An error occurred (ThrottlingException): Rate exceeded")
    done = console.run("push_image.sh")
    assert done.returncode == 1
    assert "Rate exceeded" in done.stderr
    assert console.calls[-1].startswith(question)


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_a_deployment_needs_no_other_tools_and_builds_for_one_architecture(
    console: Console, architecture: str
) -> None:
    console.answers["aws cloudformation describe-stacks"] = (0, architecture)
    console.settings["PARAMETERS"] = "MaxvCpus=64"
    done = console.run("deploy.sh", "try", architecture)
    assert done.returncode == 0, done.stderr
    build, deploy = (call for call in console.calls if call.startswith("sam"))
    assert build == f"sam build --parameter-overrides Architecture={architecture}"
    assert f'Architecture={architecture} MaxvCpus="64"' in deploy
    assert f"-{architecture} " in deploy
    assert "--tags facerec-stack=try" in deploy
    (built,) = (call for call in console.calls if call.startswith("docker build"))
    assert " --pull " in built
    (base,) = (call for call in console.calls if call.startswith("docker pull"))
    assert base.endswith(" public.ecr.aws/docker/library/python:3.11-slim-bookworm")
    assert console.calls.index(base) < console.calls.index(build)
    platform = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}[architecture]
    assert f"--platform {platform} " in built
    assert f"--platform {platform} " in base
    # Protection comes last, so that a first deployment that fails can be rolled back.
    assert "deletion-protection-enabled" not in " ".join(
        console.calls[: console.calls.index(deploy)]
    )
    assert [call for call in console.calls if "--deletion-protection-enabled" in call]
    assert [call for call in console.calls if "--enable-termination-protection" in call]


STATES = ("NONE", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_COMPLETE")


def set_empty_stack(console: Console, status: str) -> None:
    """Let there be a stack in a state, without resources; of the state NONE, no stack."""
    if status == "NONE":
        console.answers["aws cloudformation describe-stacks"] = NO_STACK
        console.answers["aws cloudformation describe-stack-resources"] = NO_STACK
    else:
        console.answers["aws cloudformation describe-stacks"] = (0, status)
        console.answers["aws cloudformation describe-stack-resources"] = (0, "None")
    console.answers["aws ecr describe-repositories"] = (254, "(RepositoryNotFoundException)")


@pytest.mark.parametrize("status", STATES)
def test_a_stack_is_cleared_in_every_state(console: Console, status: str) -> None:
    set_empty_stack(console, status)

    done = console.run("teardown.sh", "--yes", "try")

    assert done.returncode == 0, done.stderr
    deleting = [call for call in console.calls if " delete" in call]
    expected = {"NONE": 0, "REVIEW_IN_PROGRESS": 1}.get(status, 1)
    assert len(deleting) == expected, deleting
    assert all("try" in call for call in deleting)
    assert not [call for call in console.calls if "None" in call.split()]


@pytest.mark.parametrize(
    ("repository", "end"),
    [
        ((254, "(RepositoryNotFoundException)"), ""),
        ((0, "try/batch"), "; its repositories of images are deleted"),
    ],
)
def test_a_stack_that_does_not_exist_is_not_said_to_be_deleted(
    console: Console, repository: tuple[int, str], end: str
) -> None:
    console.answers["aws cloudformation describe-stack"] = NO_STACK
    console.answers["aws ecr describe-repositories"] = repository
    done = console.run("teardown.sh", "--yes", "try")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"there is no stack try in eu-west-1{end}"


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize(
    "companion", mostly_long(["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_FAILED"], 1)
)
def test_images_that_the_sam_cli_left_are_deleted_in_every_state(
    console: Console, status: str, companion: str
) -> None:
    name = companion_of("try")
    console.answers[COMPANION] = (0, companion)
    console.answers[f"aws cloudformation describe-stack-resources --stack-name {name}"] = (
        0,
        "try1234/apifunctionrepo try1234/eventsfunctionrepo",
    )
    set_empty_stack(console, status)

    done = console.run("teardown.sh", "--yes", "try")

    assert done.returncode == 0, done.stderr
    calls = console.calls
    emptied = [
        calls.index(f"aws ecr delete-repository --force --repository-name try1234/{each}repo")
        for each in ("apifunction", "eventsfunction")
    ]
    deleted = calls.index(f"aws cloudformation delete-stack --stack-name {name}")
    waited = calls.index(f"aws cloudformation wait stack-delete-complete --stack-name {name}")
    assert max(emptied) < deleted < waited
    if status == "NONE":
        assert done.stdout.splitlines()[-1].endswith("; its repositories of images are deleted")


@pytest.mark.parametrize("stack", ["try", "Try-2", "a" * 128])
def test_the_stack_of_images_is_the_one_that_the_sam_cli_makes(stack: str) -> None:
    named = subprocess.run(
        [SAM_PYTHON, "-c", COMPANION_NAME, stack], capture_output=True, text=True, check=True
    )
    assert named.stdout.strip() == companion_of(stack)


def resource(name: str, *, ever: bool = False) -> str:
    """Return how the command begins that asks for a resource, now or over the stack's life."""
    kind, listed = ("events", "StackEvents") if ever else ("resources", "StackResources")
    return (
        f"aws cloudformation describe-stack-{kind} --stack-name try --output text --query"
        f" {listed}\\[?LogicalResourceId==\\'{name}\\'"
    )


@pytest.fixture
def standing(console: Console) -> Console:
    """A console for a stack that stands, with a job and with stores that changes have replaced."""
    resources = {
        "Bucket": "try-bucket-2",
        "Table": "try-table-2",
        "Workflow": "arn:try-workflow",
        "JobQueue": "arn:try-queue",
        "JobDefinition": f"arn:aws:batch:eu-west-1:{ACCOUNT}:job-definition/try-child:7",
        "VectorBucket": "arn:aws:s3vectors:bucket/try-vectors-2",
    }
    console.answers |= {resource(name): (0, found) for name, found in resources.items()}
    console.answers |= {
        resource("Bucket", ever=True): (0, "try-bucket-2 try-bucket-1 try-bucket-0"),
        resource("Table", ever=True): (0, "try-table-2 try-table-1"),
        resource("VectorBucket", ever=True): (
            0,
            "arn:aws:s3vectors:bucket/try-vectors-2 arn:aws:s3vectors:bucket/try-vectors-1",
        ),
        "aws s3api list-buckets": (0, "other-bucket try-bucket-1 try-bucket-2"),
        "aws dynamodb describe-table --table-name try-table-1": (0, "try-table-1"),
        "aws dynamodb describe-table --table-name try-table-2": (0, "try-table-2"),
        "aws s3vectors get-vector-bucket --vector-bucket-name try-vectors-1": (0, "try-vectors-1"),
        "aws s3vectors get-vector-bucket --vector-bucket-name try-vectors-2": (0, "try-vectors-2"),
        "aws cloudformation describe-stacks": (0, "UPDATE_ROLLBACK_FAILED"),
        "aws stepfunctions list-executions": (0, "arn:execution"),
        "aws s3vectors list-indexes": (0, "vectors-a"),
        "aws batch describe-job-definitions": (0, "arn:revision-6"),
        "aws ecr describe-repositories": (0, "try/batch"),
    }
    return console


def test_a_teardown_leaves_nothing_of_the_stack_and_all_of_others(standing: Console) -> None:
    done = standing.run("teardown.sh", "--yes", "try")

    assert done.returncode == 0, done.stderr
    calls = standing.calls
    stopped = next(call for call in calls if "stop-execution" in call)
    emptied = [call for call in calls if call.startswith("aws s3 rm")]
    assert calls.index(stopped) < calls.index(emptied[0])
    wanted = (
        "aws dynamodb update-table --table-name try-table-2 --no-deletion-protection-enabled",
        "aws dynamodb update-continuous-backups --table-name try-table-2"
        " --point-in-time-recovery-specification PointInTimeRecoveryEnabled=false",
        "aws s3vectors delete-index --vector-bucket-name try-vectors-2 --index-name vectors-a",
        "sam delete --stack-name try --region eu-west-1 --no-prompts",
        "aws batch deregister-job-definition --job-definition arn:revision-6",
        "aws ecr delete-repository --force --repository-name try/batch",
    )
    for call in wanted:
        assert call in calls
    assert not [call for call in calls if "facerec" in call or "other-bucket" in call]
    # A bucket that is gone may have its name from another account by now.
    assert not [call for call in calls if "try-bucket-0" in call]


def test_stores_that_a_change_of_a_parameter_replaced_are_named_and_deleted(
    standing: Console,
) -> None:
    done = standing.run("teardown.sh", "--yes", "try")

    assert done.returncode == 0, done.stderr
    for store in ("try-bucket-1", "try-table-1", "try-vectors-1"):
        assert store in done.stdout
    deleted = standing.calls.index("sam delete --stack-name try --region eu-west-1 --no-prompts")
    for call in (
        "aws s3api delete-bucket --bucket try-bucket-1",
        "aws dynamodb delete-table --table-name try-table-1",
        "aws s3vectors delete-vector-bucket --vector-bucket-name try-vectors-1",
    ):
        # Afterwards nothing would name them.
        assert call in standing.calls[:deleted]
    for call in (
        "aws s3 rm --only-show-errors --recursive s3://try-bucket-1",
        "aws dynamodb update-table --table-name try-table-1 --no-deletion-protection-enabled",
        "aws s3vectors delete-index --vector-bucket-name try-vectors-1 --index-name vectors-a",
    ):
        assert call in standing.calls[:deleted]


CUT_OFF = (255, "An error occurred (ExpiredToken): the security token has expired")


@pytest.mark.parametrize(
    "step",
    mostly_long(
        [
            "aws s3 rm",
            "aws s3api delete-bucket",
            "aws dynamodb delete-table",
            "aws s3vectors delete-vector-bucket",
            "aws batch deregister-job-definition",
            "sam delete",
            "aws ecr delete-repository",
        ],
        3,
    ),
)
def test_a_teardown_that_is_cut_off_is_completed_by_another_one(
    standing: Console, step: str
) -> None:
    whole = dict(standing.answers)
    standing.answers = {step: CUT_OFF} | whole
    first = standing.run("teardown.sh", "--yes", "try")
    assert first.returncode != 0
    assert "deleted;" not in first.stdout
    calls = [call for call in standing.calls if not call.startswith(step)]
    gone = any(call.startswith("sam delete") for call in calls)
    standing.answers = {"aws cloudformation describe-stack": NO_STACK} | whole if gone else whole

    second = standing.run("teardown.sh", "--yes", "try")

    assert second.returncode == 0, second.stderr
    for call in (
        "aws s3api delete-bucket --bucket try-bucket-1",
        "aws dynamodb delete-table --table-name try-table-1",
        "aws s3vectors delete-vector-bucket --vector-bucket-name try-vectors-1",
        "aws batch deregister-job-definition --job-definition arn:revision-6",
        "sam delete --stack-name try --region eu-west-1 --no-prompts",
        "aws ecr delete-repository --force --repository-name try/batch",
    ):
        assert call in calls + standing.calls


def test_the_stores_that_a_stack_has_now_are_deleted_by_the_stack(standing: Console) -> None:
    definition = standing.answers[resource("JobDefinition")][1]
    standing.answers["aws batch describe-job-definitions"] = (0, f"arn:revision-6 {definition}")
    assert standing.run("teardown.sh", "--yes", "try").returncode == 0
    deleted = standing.calls.index("sam delete --stack-name try --region eu-west-1 --no-prompts")
    before = [
        call for call in standing.calls[:deleted] if " delete-" in call or "deregister" in call
    ]
    assert not [call for call in before if "try-bucket-2" in call or "try-table-2" in call]
    assert not [call for call in before if "delete-vector-bucket" in call and "vectors-2" in call]
    assert not [call for call in before if definition in call]


def test_stores_that_are_gone_with_the_stack_are_no_errors(standing: Console) -> None:
    standing.answers |= {
        "aws s3 rm": (1, "fatal error: An error occurred (NoSuchBucket) when calling"),
        "aws s3api delete-bucket": (254, "An error occurred (NoSuchBucket) when calling"),
        "aws dynamodb delete-table": (254, "An error occurred (ResourceNotFoundException)"),
        "aws s3vectors delete-vector-bucket": (254, "An error occurred (NotFoundException)"),
    }
    done = standing.run("teardown.sh", "--yes", "try")
    assert (done.returncode, done.stderr) == (0, "")
    assert "deleted;" in done.stdout
    # With --quiet the AWS CLI hides errors too.
    assert not [call for call in standing.calls if "--quiet" in call]


def test_nothing_is_emptied_before_the_children_of_jobs_have_ended(standing: Console) -> None:
    listing = "aws batch list-jobs --job-queue arn:try-queue --job-status"
    standing.later = dict(standing.answers)
    standing.answers[f"{listing} PENDING"] = (0, "array-1")

    done = standing.run("teardown.sh", "--yes", "try")

    assert done.returncode == 0, done.stderr
    calls = standing.calls
    emptied = next(call for call in calls if call.startswith("aws s3 rm"))
    before = calls[: calls.index(emptied)]
    # Nothing new is submitted, what there is ends, and this has been seen.
    disabled = before.index("aws batch update-job-queue --job-queue arn:try-queue --state DISABLED")
    stopped = next(place for place, call in enumerate(before) if "stop-execution" in call)
    ended = next(place for place, call in enumerate(before) if "terminate-job" in call)
    waited = before.index("sleep 10")
    assert disabled < stopped < ended < waited
    assert "--job-id array-1 " in before[ended]
    states = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
    for state in states:
        assert [call for call in before[waited:] if call.startswith(f"{listing} {state} ")]


def test_jobs_that_do_not_end_keep_everything(standing: Console) -> None:
    standing.answers["aws batch list-jobs"] = (0, "array-1")
    done = standing.run("teardown.sh", "--yes", "try")
    assert done.returncode == 1
    assert "did not end within ten minutes: array-1" in done.stderr
    assert not [call for call in standing.calls if " delete-" in call or " rm " in call]


def test_a_deletion_that_fails_is_tried_once_more_with_empty_stores(standing: Console) -> None:
    standing.answers["sam delete"] = (1, "the bucket is not empty")
    done = standing.run("teardown.sh", "--yes", "try")
    assert done.returncode == 1
    assert "deleted" not in done.stdout
    kinds = [call for call in standing.calls if call.startswith(("sam delete", "aws s3 rm"))]
    named = [call.split()[0] for call in kinds if "try-bucket-1" not in call]
    assert named == ["aws", "sam", "aws", "sam"]


def test_a_teardown_asks_for_the_name_of_the_stack(console: Console) -> None:
    done = console.run("teardown.sh", "try")
    assert done.returncode == 1
    assert not [call for call in console.calls if "delete" in call or " rm " in call]


DENIED = (254, "An error occurred (AccessDenied): not authorized")


@pytest.mark.parametrize(
    "question",
    mostly_long(
        [
            "aws cloudformation describe-stacks",
            "aws cloudformation describe-stack-resources",
            "aws stepfunctions list-executions",
            "aws cloudformation describe-stack-events",
            "aws s3api list-buckets",
            "aws dynamodb describe-table",
            "aws s3vectors get-vector-bucket",
            "aws batch update-job-queue",
            "aws batch list-jobs",
            "aws dynamodb update-continuous-backups",
            "aws s3 rm",
            "aws s3vectors list-indexes",
            "aws batch describe-job-definitions",
            "aws ecr describe-repositories",
        ],
        5,
    ),
)
def test_a_teardown_that_cannot_ask_says_so_and_goes_no_further(
    standing: Console, question: str
) -> None:
    standing.answers = {question: DENIED} | standing.answers | {question: DENIED}

    done = standing.run("teardown.sh", "--yes", "try")

    assert done.returncode != 0
    assert "AccessDenied" in done.stderr
    assert "deleted" not in done.stdout
    assert not [call for call in standing.calls if "delete-repository" in call]


@pytest.mark.parametrize(
    "options", [("--yes", "--region", "us-east-1"), ("--region", "us-east-1", "--yes")]
)
def test_options_of_a_script_are_taken_in_any_order(
    console: Console, options: tuple[str, ...]
) -> None:
    console.answers["aws cloudformation describe-stack"] = NO_STACK
    done = console.run("teardown.sh", *options, "try")
    assert done.returncode == 0, done.stderr
    assert "The stack try is NONE" in done.stdout
    assert console.regions == {("us-east-1", "us-east-1")}
    assert console.run("teardown.sh", "--force", "try").returncode == 2
    assert console.run("deploy.sh", "--yes", "try").returncode == 2


def test_parameters_reach_the_stack_as_they_were_given(console: Console) -> None:
    console.answers["aws cloudformation describe-stacks"] = (0, "x86_64")
    console.settings["PARAMETERS"] = (
        "Schedule=cron(0 3 * * ? *) MaxvCpus=64 ScheduledManifest=s3://a/b c.csv StoreKeyArn="
    )
    assert console.run("deploy.sh", "try").returncode == 0
    (deploy,) = (call for call in console.calls if call.startswith("sam deploy"))
    given = deploy.partition("--parameter-overrides ")[2]
    read = subprocess.run(
        [SAM_PYTHON, "-c", READ_PARAMETERS, given],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(read.stdout)
    assert found["Architecture"] == "x86_64"
    assert {name: found[name] for name in ("Schedule", "MaxvCpus", "ScheduledManifest")} == {
        "Schedule": "cron(0 3 * * ? *)",
        "MaxvCpus": "64",
        "ScheduledManifest": "s3://a/b c.csv",
    }
    assert found["StoreKeyArn"] == ""


def test_parameters_may_be_on_lines_of_their_own(console: Console) -> None:
    console.answers["aws cloudformation describe-stacks"] = (0, "x86_64")
    console.settings["PARAMETERS"] = (
        "\n  MaxvCpus=64\n\tSchedule=rate(1\n hour)\nAlarmEmail=a@b.c\n"
    )
    done = console.run("deploy.sh", "try")
    assert done.returncode == 0, done.stderr
    (deploy,) = (call for call in console.calls if call.startswith("sam deploy"))
    assert deploy.endswith('MaxvCpus="64" Schedule="rate(1 hour)" AlarmEmail="a@b.c"')


def test_make_does_not_let_the_shell_read_parameters() -> None:
    shown = subprocess.run(
        ["make", "--dry-run", "deploy", "PARAMETERS=Schedule=rate(1 hour)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "rate" not in shown.stdout


def test_the_architecture_is_that_of_the_stack_unless_another_is_given(console: Console) -> None:
    console.answers["aws cloudformation describe-stacks"] = (0, "arm64")
    assert console.run("deploy.sh", "try").returncode == 0
    assert "sam build --parameter-overrides Architecture=arm64" in console.calls
    console.settings["PARAMETERS"] = "Architecture=x86_64"
    refused = console.run("deploy.sh", "try")
    assert refused.returncode == 2
    assert "make deploy ARCHITECTURE=x86_64" in refused.stderr


def test_the_architecture_is_not_changed_under_running_jobs(console: Console) -> None:
    console.answers["aws cloudformation describe-stacks"] = (0, "arm64")
    console.answers["aws cloudformation describe-stack-resources"] = (0, "arn:workflow")
    console.answers["aws stepfunctions list-executions"] = (0, "nightly")
    refused = console.run("deploy.sh", "try", "x86_64")
    assert refused.returncode == 1
    assert "nightly" in refused.stderr
    assert not [call for call in console.calls if call.startswith("sam")]


ROLE_SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/botocore-session-1"


@pytest.mark.parametrize(
    ("caller", "granted"),
    [
        (ROLE_SESSION, f"arn:aws:iam::{ACCOUNT}:role/Deploy"),
        (f"arn:aws:iam::{ACCOUNT}:user/ann", f"arn:aws:iam::{ACCOUNT}:user/ann"),
    ],
)
def test_the_first_grant_outlives_the_session(console: Console, caller: str, granted: str) -> None:
    console.answers |= {
        "aws cloudformation describe-stacks": (0, "s3://try-bucket/access.json"),
        "aws s3api head-object": (254, "(404) when calling HeadObject: Not Found"),
        "aws sts get-caller-identity --query Arn": (0, caller),
    }
    done = console.run("finish.sh", "try")
    assert done.returncode == 0, done.stderr
    assert f"the API answers to {granted};" in done.stderr
    session = caller.replace("session-1", "session-2")
    assert is_same(granted, session)


@pytest.mark.parametrize("answer", [(0, "etag"), DENIED])
def test_an_access_table_is_written_only_where_there_is_none(
    console: Console, answer: tuple[int, str]
) -> None:
    console.answers |= {
        "aws cloudformation describe-stacks": (0, "s3://try-bucket/access.json"),
        "aws s3api head-object": answer,
    }
    done = console.run("finish.sh", "try")
    assert done.returncode == (1 if answer is DENIED else 0)
    assert not [call for call in console.calls if call.startswith("aws s3 cp")]


@pytest.mark.parametrize("answer", [DENIED, NO_STACK, (0, ""), (0, "None")])
@pytest.mark.parametrize("output", ["TableName", "AccessTable"])
def test_nothing_is_finished_where_an_output_cannot_be_read(
    console: Console, output: str, answer: tuple[int, str]
) -> None:
    reading = "aws cloudformation describe-stacks --stack-name try --output text --query"
    console.answers |= {
        f"{reading} Stacks\\[0\\].Outputs\\[?OutputKey=='{output}'": answer,
        reading: (0, "s3://try-bucket/access.json"),
    }
    done = console.run("finish.sh", "try")
    assert done.returncode == 1
    if answer[0] == 0:
        assert f"the stack try in eu-west-1 has no output {output}" in done.stderr
    else:
        assert done.stderr.strip() == answer[1]
    assert [call for call in console.calls if not call.startswith(reading)] == []
