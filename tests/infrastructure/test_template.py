"""Facts about the stack that its users rely on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from facerec.api.auth.gateway import ApiAuthorization
from facerec.config import read_settings
from facerec.core.schemas import violation
from facerec.factory.stacks import stack_settings
from facerec.jobs.aws.stack import Stack
from facerec.jobs.exit_codes import DO_NOT_RETRY, OUTAGE, RETRY
from facerec.storage.event_bus import SOURCE
from tests.support.batch_rules import EXITED, RECLAIMED, is_tried_again
from tests.support.stack_template import (
    ROOT,
    TEMPLATE,
    container_environment,
    function_environment,
    properties,
    resources,
    template,
)

# Actions of the services below take no resource that a policy could name.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
WITHOUT_RESOURCE = {
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeScalingActivities",
    "batch:DescribeComputeEnvironments",
    "batch:DescribeJobQueues",
    "batch:DescribeJobs",
    "batch:ListJobs",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "servicequotas:GetServiceQuota",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
FIXED_NAMES = (
    "BucketName",
    "TableName",
    "ComputeEnvironmentName",
    "JobQueueName",
    "JobDefinitionName",
    "FunctionName",
    "RoleName",
)


REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pinecone-AbCdEf"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"
WEB_ACL = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/filter/1234abcd-12ab-34cd-56ef"
POOL = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_AbCdEf"


def listed(value: Any) -> list[Any]:  # noqa: ANN401
    return value if isinstance(value, list) else [value]


def statements() -> Iterator[dict[str, Any]]:
    """Yield the statements of all policies, those that depend on a condition included."""
    for name in template()["Resources"]:
        yield from statements_of(name)


def statements_of(name: str) -> Iterator[dict[str, Any]]:
    """Yield the statements of the policies of a resource."""
    for policy in template()["Resources"][name].get("Properties", {}).get("Policies", []):
        for statement in policy.get("PolicyDocument", policy)["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def containers_retry(exit_code: int | None, status_reason: str, reason: str = "") -> bool:
    rules = properties("JobDefinition")["RetryStrategy"]["EvaluateOnExit"]
    return is_tried_again(
        [
            {f"{name[:1].lower()}{name[1:]}": value for name, value in rule.items()}
            for rule in rules
        ],
        exit_code=exit_code,
        status_reason=status_reason,
        reason=reason,
    )


@pytest.mark.long
def test_cfn_lint_finds_nothing() -> None:
    command = Path(sys.executable).with_name("cfn-lint")
    found = subprocess.run([command, TEMPLATE], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_only_reclaimed_machines_and_transient_errors_are_retried() -> None:
    assert containers_retry(None, RECLAIMED)
    assert containers_retry(None, "Task failed to start")
    assert containers_retry(None, "Task failed to start", "CannotPullContainerError: timeout")
    assert containers_retry(RETRY, EXITED)
    assert not containers_retry(DO_NOT_RETRY, EXITED)
    assert not containers_retry(1, EXITED)
    assert not containers_retry(139, EXITED)


def test_a_container_killed_without_a_reason_has_lost_its_machine() -> None:
    assert containers_retry(137, EXITED)
    assert containers_retry(143, EXITED)
    # Killed for its memory, it would be again.
    killed = "OutOfMemoryError: Container killed due to memory usage"
    assert not containers_retry(137, EXITED, killed)


def test_there_are_no_more_rules_of_retry_than_the_service_takes() -> None:
    strategy = properties("JobDefinition")["RetryStrategy"]
    assert 1 < strategy["Attempts"] <= 10
    assert len(strategy["EvaluateOnExit"]) <= 5


def test_machines_are_spot_scale_from_zero_and_are_updated_in_place() -> None:
    spot = properties("SpotMachines")
    assert spot["ComputeResources"]["Type"] == "SPOT"
    assert spot["ComputeResources"]["AllocationStrategy"] == "SPOT_PRICE_CAPACITY_OPTIMIZED"
    for environment in resources("AWS::Batch::ComputeEnvironment").values():
        settings = environment["Properties"]
        assert settings["ComputeResources"]["MinvCpus"] == 0
        assert settings["ReplaceComputeEnvironment"] is False
        assert settings["UpdatePolicy"]["TerminateJobsOnUpdate"] is False
        # Any of these would make an update replace the environment, or fight AWS Batch.
        assert not {"ServiceRole", "Tags"} & set(settings)
        assert not {"SpotIamFleetRole", "DesiredvCpus", "Tags"} & set(settings["ComputeResources"])
    assert "Tags" not in properties("JobQueue")


def test_on_demand_machines_are_a_second_choice() -> None:
    first, second = properties("JobQueue")["ComputeEnvironmentOrder"]
    assert first == {"Order": 1, "ComputeEnvironment": {"Ref": "SpotMachines"}}
    condition, order, nothing = second["Fn::If"]
    assert (condition, nothing) == ("OnDemand", {"Ref": "AWS::NoValue"})
    assert order == {"Order": 2, "ComputeEnvironment": {"Ref": "OnDemandMachines"}}
    assert template()["Parameters"]["OnDemandFallback"]["Default"] == "no"


def test_jobs_that_cannot_start_are_cancelled() -> None:
    actions = properties("JobQueue")["JobStateTimeLimitActions"]
    assert {entry["State"] for entry in actions} == {"RUNNABLE"}
    assert len(actions) == 3


def test_attempts_at_a_child_have_a_timeout() -> None:
    assert properties("JobDefinition")["Timeout"]["AttemptDurationSeconds"]
    assert template()["Parameters"]["ChildTimeout"]["MinValue"] >= 60


def test_containers_are_unprivileged() -> None:
    container = properties("JobDefinition")["ContainerProperties"]
    assert container["ReadonlyRootFilesystem"] is True
    assert container["Privileged"] is False
    assert container["LinuxParameters"]["InitProcessEnabled"] is True
    metadata = properties("LaunchTemplate")["LaunchTemplateData"]["MetadataOptions"]
    assert metadata == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}


def test_containers_cannot_take_on_the_role_of_their_machine() -> None:
    # AWS Batch runs them in the network of the machine, so the hop limit does not keep them off:
    # https://docs.aws.amazon.com/batch/latest/userguide/networking-modes-jobs.html
    script = properties("LaunchTemplate")["LaunchTemplateData"]["UserData"]["Fn::Base64"]
    for tool, address in (("iptables", "169.254.169.254"), ("ip6tables", "fd00:ec2::254")):
        assert (
            f"{tool} --insert OUTPUT --destination {address} "
            "--match owner ! --uid-owner 0 --jump REJECT" in script
        )
    # Nothing in the image lets its user become root.
    dockerfile = (TEMPLATE.parent / "Dockerfile").read_text("utf-8")
    assert "find / -xdev -perm /6000 -type f -exec chmod a-s {} +" in dockerfile


def test_nothing_has_a_fixed_name() -> None:
    for name, resource in template()["Resources"].items():
        # These name the function of another resource.
        if not re.fullmatch("AWS::Lambda::(Permission|EventSourceMapping)", resource["Type"]):
            assert not set(FIXED_NAMES) & set(resource.get("Properties", {})), name
        for log_group in listed(resource.get("Properties", {}).get("LogGroupName", [])):
            assert "Ref" in log_group or "${AWS::StackName}" in log_group["Fn::Sub"]


def test_policies_allow_only_what_is_needed() -> None:
    found = list(statements())
    assert len(found) > 20
    for statement in found:
        actions = set(listed(statement["Action"]))
        assert statement["Effect"] == "Allow"
        assert not [action for action in actions if "*" in action], statement
        if "*" in listed(statement["Resource"]):
            assert actions <= WITHOUT_RESOURCE, statement


def test_only_machines_have_a_managed_policy() -> None:
    managed = [
        name
        for name, role in resources("AWS::IAM::Role").items()
        if "ManagedPolicyArns" in role["Properties"]
    ]
    assert managed == ["InstanceRole"]


def test_children_cannot_change_photos() -> None:
    (role,) = (policy["PolicyDocument"] for policy in properties("JobRole")["Policies"])
    writing = [
        statement
        for statement in role["Statement"]
        if "s3:PutObject" in listed(statement.get("Action", []))
    ]
    assert [statement["Resource"] for statement in writing] == [{"Fn::Sub": "${Bucket.Arn}/jobs/*"}]


def test_objects_that_are_missing_are_told_from_forbidden_ones() -> None:
    # S3 does so for callers that may list the bucket. A request for an object has no prefix.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    listing = [each for each in statements() if "s3:ListBucket" in listed(each["Action"])]
    assert [each["Sid"] for each in listing if "Condition" in each] == []


@pytest.mark.parametrize("part", ["PlanFunction", "ReportFunction", "JobRole", "ErasureFunction"])
def test_a_part_that_writes_into_job_folders_may_delete_there_and_not_photos(part: str) -> None:
    # A job may be deleted while it is written: its writer then deletes what it has added.
    jobs, actions = "${Bucket.Arn}/jobs/*", ("s3:PutObject", "s3:DeleteObject")
    changing = {
        action: [
            resource["Fn::Sub"]
            for each in statements_of(part)
            if action in listed(each["Action"])
            for resource in listed(each["Resource"])
        ]
        for action in actions
    }
    for resources_of_action in changing.values():
        assert jobs in resources_of_action
        assert set(resources_of_action) <= {jobs, "${Bucket.Arn}/erasures/*"}


def test_only_parts_that_may_delete_in_job_folders_may_write_there() -> None:
    writing = [
        part
        for part in (*resources("AWS::Serverless::Function"), *resources("AWS::IAM::Role"))
        for each in statements_of(part)
        if "s3:PutObject" in listed(each["Action"])
        and any("/jobs/" in str(resource) for resource in listed(each["Resource"]))
    ]
    assert sorted(writing) == ["ErasureFunction", "JobRole", "PlanFunction", "ReportFunction"]


def test_functions_that_register_people_know_the_event_bus() -> None:
    for function in ("ApiFunction", "ErasureFunction"):
        variables = properties(function)["Environment"]["Variables"]
        assert variables["EVENT_BUS"] == {"Ref": "EventBusArn"}


def test_what_is_kept_is_encrypted_and_private() -> None:
    bucket = properties("Bucket")
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    (denied,) = properties("BucketPolicy")["PolicyDocument"]["Statement"]
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    table = properties("Table")
    assert all(each["SSEEnabled"] for each in table["SSESpecification"]["Fn::If"][1:])
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_logs_expire() -> None:
    groups = resources("AWS::Logs::LogGroup")
    assert len(groups) == 9
    for group in groups.values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        assert group["DeletionPolicy"] == "Delete"
    for function in resources("AWS::Serverless::Function").values():
        assert function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in groups


def test_only_the_image_of_the_jobs_has_to_be_given() -> None:
    parameters = template()["Parameters"]
    assert [name for name in parameters if "Default" not in parameters[name]] == ["BatchImageUri"]
    assert parameters["VectorStore"]["Default"] == "s3vectors"


def test_vectors_of_the_stack_may_be_used_and_no_others() -> None:
    found = [each for each in statements() if each.get("Sid") == "StoreVectors"]
    assert len(found) == 2
    for statement in found:
        assert statement["Resource"] == {"Fn::Sub": "${VectorBucket.VectorBucketArn}/index/*"}
    erasing = [each for each in found if "s3vectors:DeleteIndex" in each["Action"]]
    assert len(erasing) == 1  # the API's: jobs delete no collection
    (listing,) = [each for each in statements() if "s3vectors:ListIndexes" in each["Action"]]
    assert listing["Resource"] == {"Fn::GetAtt": ["VectorBucket", "VectorBucketArn"]}


def test_encrypted_photos_and_secrets_can_be_read() -> None:
    decrypting = [each for each in statements() if each["Action"] == "kms:Decrypt"]
    resources_of = [json.dumps(each["Resource"]) for each in decrypting]
    # children, the plan, the API and the function that erases read photos or manifests; containers,
    # the plan, the API and the functions that erase and send events read the secret
    assert resources_of.count('{"Ref": "PhotoKeyArns"}') == 4
    of_secrets = [each for each in decrypting if each["Resource"] == {"Ref": "SecretKeyArn"}]
    assert [each["Condition"]["StringEquals"] for each in of_secrets] == [
        {"kms:ViaService": {"Fn::Sub": "secretsmanager.${AWS::Region}.amazonaws.com"}}
    ] * 5


def test_only_the_function_that_sends_matches_sends_events_and_to_that_bus_only() -> None:
    sending = [each for each in statements() if "events:PutEvents" in listed(each["Action"])]
    assert sending == [each for each in statements_of("EventsFunction") if each in sending]
    (statement,) = sending
    assert statement["Resource"] == {"Ref": "EventBusArn"}
    assert statement["Condition"] == {"StringEquals": {"events:source": SOURCE}}
    for name in ("EventsFunction", "EventsLogs", "UndeliveredEventsAlarm"):
        assert template()["Resources"][name]["Condition"] == "Matching"
    assert template()["Parameters"]["EventBusArn"]["Default"] == ""


def test_a_key_of_ones_own_encrypts_every_store() -> None:
    key = {"Ref": "StoreKeyArn"}
    ((_, rule, _),) = (
        each["Fn::If"]
        for each in properties("Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    )
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key
    assert properties("Table")["SSESpecification"]["Fn::If"][1]["KMSMasterKeyId"] == key
    vectors = properties("VectorBucket")["EncryptionConfiguration"]["Fn::If"]
    assert vectors == ["OwnKey", {"SseType": "aws:kms", "KmsKeyArn": key}, {"SseType": "AES256"}]


def test_each_role_uses_that_key_through_the_stores_that_it_may_use() -> None:
    users = {}
    for name, resource in template()["Resources"].items():
        used, via = set[str](), set[str]()
        for policy in resource.get("Properties", {}).get("Policies", []):
            for found in policy.get("PolicyDocument", policy)["Statement"]:
                statement = found["Fn::If"][1] if "Fn::If" in found else found
                if statement.get("Sid") == "UseTheKeyOfTheStores":
                    assert statement["Resource"] == {"Ref": "StoreKeyArn"}
                    (services,) = statement["Condition"]["StringEquals"].values()
                    via = {each["Fn::Sub"].partition(".")[0] for each in services}
                used |= {action.partition(":")[0] for action in listed(statement["Action"])}
        stores = used & {"s3", "dynamodb", "s3vectors"}
        if stores or via:
            users[name] = (stores, via)
    assert len(users) == 8
    for stores, via in users.values():
        assert stores == via


def test_nothing_of_the_stack_looks_the_pinecone_index_up_by_its_name() -> None:
    environments = [
        container_environment(),
        *map(function_environment, resources("AWS::Serverless::Function")),
    ]
    naming = [each for each in environments if "PINECONE_INDEX_NAME" in each]
    assert len(naming) == 4
    for environment in naming:
        assert environment["PINECONE_INDEX_HOST"] == {"Ref": "PineconeIndexHost"}


def test_the_pinecone_key_is_only_ever_a_reference_to_a_secret() -> None:
    parameters = template()["Parameters"]
    secrets = [name for name in parameters if re.search("key|password|token", name, re.I)]
    assert secrets == ["SecretKeyArn", "PhotoKeyArns", "StoreKeyArn"]
    pattern = parameters["PineconeSecretArn"]["AllowedPattern"]
    assert not re.match(pattern, "pcsk_abc")
    assert re.match(pattern, "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pinecone-AbCdEf")
    condition, (secret,), _ = properties("JobDefinition")["ContainerProperties"]["Secrets"][
        "Fn::If"
    ]
    assert condition == "Pinecone"
    assert secret == {"Name": "PINECONE_API_KEY", "ValueFrom": {"Ref": "PineconeSecretArn"}}
    for name in resources("AWS::Serverless::Function"):
        assert "PINECONE_API_KEY" not in function_environment(name)


def test_every_parameter_is_described_bounded_and_used() -> None:
    text = TEMPLATE.read_text("utf-8")
    for name, parameter in template()["Parameters"].items():
        assert parameter["Description"], name
        assert {"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter), name
        assert len(re.findall(rf"\b{name}\b", text)) > 2, name


VALUES: dict[str, tuple[list[str], list[str]]] = {
    "BatchImageUri": (
        [f"{REGISTRY}/facerec:1.0", f"{REGISTRY}/a/b@sha256:{'0' * 64}"],
        ["", f"{REGISTRY}/facerec", "facerec:latest", "public.ecr.aws/a/b:1"],
    ),
    "VectorStore": (["s3vectors", "pinecone"], ["", "faiss"]),
    "PineconeSecretArn": (["", SECRET], ["pcsk_1234", "arn:aws:s3:::secret", SECRET[:-7]]),
    "PineconeIndexName": (["", "faces-1"], ["Faces", "-faces", "a" * 46]),
    "PineconeIndexHost": (
        ["", "faces-1a2b.svc.aped-4627-b74a.pinecone.io", "https://faces.svc.pinecone.io"],
        ["faces", "https://", "http://faces.svc.pinecone.io", "faces.pinecone.io/v1"],
    ),
    "PineconeIntegrationId": (
        ["", "a12b3d4c-47d2-492c-a97a-dd98c8dbefde"],
        ["integration", "a12b3d4c47d2492ca97add98c8dbefde"],
    ),
    "SecretKeyArn": (["", KEY], ["alias/photos", KEY.replace("key/", "alias/")]),
    "PhotoBucketArns": (
        ["", "arn:aws:s3:::photos"],
        ["nonsense", "photos", "arn:aws:s3:::photos/2026/", "s3://photos", "arn:aws:s3:::*"],
    ),
    "PhotoKeyArns": (["", KEY], ["nonsense", "*", KEY.replace("key/", "alias/")]),
    "StoreKeyArn": (["", KEY], ["nonsense", KEY.replace("key/", "alias/")]),
    "MaxFacesPerImage": (["1", "100"], ["0", "101", "many"]),
    "MinFaceConfidence": (["0", "0.9", "1"], ["", "90", "1.1", "-1"]),
    "SimilarityThreshold": (["0", "0.8", "1"], ["", "80", "1.1"]),
    "ModelVersion": (["dlib-resnet-v1:55533b28/5pt:c4b1e980/pad0.25/single"], ["", "a b"]),
    "Architecture": (["x86_64", "arm64"], ["", "amd64"]),
    "InstanceTypes": (
        ["", "c7i", "c7i.large", "m7i-flex.large", "u-6tb1.56xlarge", "optimal", "default_x86_64"],
        ["7i", "c7i large", "c7i;m7i", "C7i"],
    ),
    "MaxvCpus": (["1", "256", "100000"], ["0", "100001"]),
    "ChildVcpus": (["1", "16"], ["0", "17"]),
    "ChildMemory": (["1536", "32768"], ["1024", "65536"]),
    "ClusteringMemory": (["1024", "122880"], ["1023", "122881"]),
    "ChildTimeout": (["60", "86400"], ["59", "86401"]),
    "StartTimeout": (["10", "10080"], ["9", "10081"]),
    "Resubmissions": (["0", "5"], ["-1", "6"]),
    "OnDemandFallback": (["yes", "no"], ["true"]),
    "SubnetIds": (["", "subnet-0a1b2c3d"], ["sg-0a1b2c3d", "10.0.0.0/24"]),
    "SecurityGroupIds": (["", "sg-0a1b2c3d"], ["subnet-0a1b2c3d", "default"]),
    "AvailabilityZones": (["2", "3"], ["1", "4"]),
    "VpcCidr": (
        ["10.83.0.0/16", "192.168.0.0/18"],
        ["999.0.0.0/16", "10.256.0.0/16", "10.0.0.0/24", "10.0.0.0", "10.0.0/16"],
    ),
    "ApiAuthorization": (["AWS_IAM", "COGNITO"], ["NONE", "API_KEY"]),
    "CognitoUserPoolArn": (["", POOL], ["eu-west-1_abc", "arn:aws:s3:::pool"]),
    "AllowedOrigins": (
        ["", "*", "https://a.example,http://localhost:8080"],
        ["a.example", "https://a.example/page"],
    ),
    "ApiRequestsPerSecond": (["1", "10000"], ["0", "10001"]),
    "ApiDomainName": (
        ["", "faces.example.com", "a-1.b.co"],
        ["faces", "https://faces.example.com", "Faces.example.com", "-a.com", "*.example.com"],
    ),
    "ApiCertificateArn": (["", CERTIFICATE], ["faces.example.com", KEY]),
    "ApiHostedZoneId": (["", "Z0123456789ABCDEFGHIJ"], ["example.com", "/hostedzone/Z01234567"]),
    "WebAclArn": (["", WEB_ACL], ["filter", WEB_ACL.replace("regional", "global")]),
    "PermissionsBoundaryArn": (
        ["", "arn:aws:iam::123456789012:policy/team/b", "arn:aws:iam::aws:policy/PowerUserAccess"],
        ["boundary", "arn:aws:iam::123456789012:role/boundary"],
    ),
    "ScheduledManifest": (
        ["", "s3://photos/incoming/", "s3://photos/a b.csv"],
        ["photos/", "s3://photos", "s3://Photos/a/", 's3://photos/"/'],
    ),
    "ScheduledCollection": (["", "staff"], ["our staff", "a" * 256]),
    "Schedule": (
        ["rate(1 day)", "rate(12 hours)", "cron(0 3 * * ? *)", "cron(0/15 8-18 ? * MON-FRI *)"],
        ["", "rate(0 days)", "rate(1 week)", "rate(day)", "cron(0 3 * * *)", "1 day"],
    ),
    "WatchedBucket": (["", "photos"], ["Photos", "s3://photos", "arn:aws:s3:::photos"]),
    "WatchedPrefix": (["", "incoming/"], ["incoming", "jobs/", "/"]),
    "WatchedCollection": (["", "staff"], ["our staff", "a" * 256]),
    "WatchedDeletions": (["yes", "no"], ["true"]),
    "WatchedPruneLimit": (["0", "100"], ["-1", "101"]),
    "EventBusArn": (
        ["", "arn:aws:events:eu-west-1:123456789012:event-bus/default"],
        ["default", "arn:aws:events:eu-west-1:123456789012:rule/a", "arn:aws:sns:eu-west-1:1:a"],
    ),
    "JobRetentionDays": (["0", "1", "3650"], ["-1", "3651"]),
    "LogRetentionDays": (["30"], ["31", "0"]),
    "AlarmEmail": (["", "ops@example.com"], ["ops", "ops@example"]),
    "MonthlyBudget": (["0", "1000000"], ["-1", "1000001"]),
}
"""Values that each parameter takes, and values that it refuses, one of a list each."""


def test_each_parameter_has_values_that_it_refuses() -> None:
    assert set(VALUES) == set(template()["Parameters"])
    assert all(fitting and wrong for fitting, wrong in VALUES.values())


@pytest.mark.parametrize("name", VALUES)
def test_a_wrong_value_is_refused_before_anything_is_made(name: str) -> None:
    fitting, wrong = VALUES[name]
    parameter = template()["Parameters"][name]
    assert [value for value in fitting if not takes(parameter, value)] == []
    assert [value for value in wrong if takes(parameter, value)] == []


def takes(parameter: dict[str, Any], value: str) -> bool:
    """Return whether CloudFormation takes a value; of a list, whether it takes one of its values.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
    """
    if "AllowedValues" in parameter:
        return value in map(str, parameter["AllowedValues"])
    if parameter["Type"] == "Number":
        if not re.fullmatch(r"-?\d+", value):
            return False
        return bool(parameter["MinValue"] <= int(value) <= parameter["MaxValue"])
    # For a list, the pattern must match each of its values.
    return re.fullmatch(parameter["AllowedPattern"], value) is not None


def test_defaults_of_the_template_are_those_of_the_settings() -> None:
    parameters, settings = template()["Parameters"], read_settings({})
    assert parameters["MaxFacesPerImage"]["Default"] == settings.max_faces
    assert float(parameters["MinFaceConfidence"]["Default"]) == settings.min_confidence
    assert float(parameters["SimilarityThreshold"]["Default"]) == settings.similarity_threshold


def test_the_gallery_that_a_command_opens_has_the_settings_of_the_api() -> None:
    given = {
        "PineconeSecretArn": SECRET,
        "PineconeIndexName": "faces",
        "PineconeIndexHost": "faces-abc.svc.pinecone.io",
        "EventBusArn": "arn:aws:events:eu-west-1:123456789012:event-bus/matches",
        "MaxFacesPerImage": "7",
        "MinFaceConfidence": "0.71",
        "SimilarityThreshold": "0.99",
    }
    named = ("facerec", "eu-west-1", "bucket", "workflow", "queue", "dashboard", 256, 1)
    stack = Stack(*named, "pinecone", given, "ErasureFunction", "table", None)
    environment = {"AWS_REGION": "eu-west-1", "AWS_S3_BUCKET": "bucket", "FACEREC_TABLE": "table"}
    for variable, value in function_environment("ApiFunction").items():
        parameter = value["Ref"] if isinstance(value, dict) and "Ref" in value else None
        if variable not in environment and parameter in template()["Parameters"]:
            environment[variable] = given.get(parameter, "set")
    # Only jobs use the version, and only web pages need the origins.
    del environment["MODEL_VERSION"], environment["ALLOWED_ORIGINS"]
    assert stack_settings(stack) == read_settings(environment)


def test_the_model_version_is_that_of_the_engine() -> None:
    from facerec.engine.describe.version import model_version

    parameter = template()["Parameters"]["ModelVersion"]
    assert parameter["Default"] == model_version()
    assert re.match(parameter["AllowedPattern"], model_version())


def test_every_environment_variable_is_read() -> None:
    readers = (Path("facerec", "config.py"), Path("lambdas", "api", "settings.py"))
    text = "".join((TEMPLATE.parent / reader).read_text("utf-8") for reader in readers)
    declared = {*container_environment(), *function_environment("ApiFunction")}
    foreign = {"AWS_DEFAULT_REGION", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}
    assert {name for name in declared - foreign if f'"{name}"' not in text} == set()


def test_the_api_authenticates_callers() -> None:
    parameter = template()["Parameters"]["ApiAuthorization"]
    assert parameter["Default"] == "AWS_IAM"
    assert parameter["AllowedValues"] == list(ApiAuthorization)
    for path, methods in properties("Api")["DefinitionBody"]["paths"].items():
        for method, operation in methods.items():
            if method == "options":
                continue
            (security,) = operation["security"]
            assert security == {"Fn::If": ["ByCognito", {"cognito": []}, {"sigv4": []}]}, path


def test_the_function_is_told_how_callers_are_authenticated() -> None:
    environment = function_environment("ApiFunction")
    assert environment["API_AUTHORIZATION"] == {"Ref": "ApiAuthorization"}
    assert environment["COGNITO_USER_POOL_ARN"] == {"Ref": "CognitoUserPoolArn"}
    assert environment["ACCESS_TABLE"] == {"Fn::Sub": "s3://${Bucket}/access.json"}


def test_nothing_of_the_stack_may_write_the_access_table() -> None:
    writing = [
        resource
        for statement in statements()
        if {"s3:PutObject", "s3:DeleteObject"} & set(listed(statement["Action"]))
        for resource in listed(statement["Resource"])
    ]
    assert writing
    for resource in writing:
        assert re.match(r"\$\{Bucket.Arn\}/(jobs|erasures|changes)/", resource["Fn::Sub"])


def test_errors_of_the_gateway_can_be_read_by_pages_that_may_call() -> None:
    responses = properties("Api")["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
    # REQUEST_TOO_LARGE cannot be customized:
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
    assert set(responses) == {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED"}
    for response in responses.values():
        condition, headers, _ = response["responseParameters"]["Fn::If"]
        assert condition == "CrossOrigin"
        assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
    for path, methods in properties("Api")["DefinitionBody"]["paths"].items():
        assert "options" in methods, path


def test_a_throttled_request_gets_an_error_of_either_protocol() -> None:
    responses = properties("Api")["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
    throttled = responses["THROTTLED"]
    body = json.loads(throttled["responseTemplates"]["application/json"])
    assert violation("problem", body) is None
    assert body["status"] == int(throttled["statusCode"]) == 429
    for headers in throttled["responseParameters"]["Fn::If"][1:]:
        assert headers["gatewayresponse.header.Retry-After"] == "'1'"
        # Where clients of Rekognition look for the kind of an error.
        assert headers["gatewayresponse.header.x-amzn-ErrorType"] == "'ThrottlingException'"


def test_an_answer_of_bytes_arrives_as_bytes_whatever_the_client_accepts() -> None:
    body = properties("Api")["DefinitionBody"]
    assert body["x-amazon-apigateway-binary-media-types"] == ["*/*"]


def test_executions_keep_their_right_to_the_revision_they_started_with() -> None:
    (statement,) = (found for found in statements() if found.get("Sid") == "SubmitJobs")
    queue, (arn, names) = statement["Resource"][0], statement["Resource"][1]["Fn::Sub"]
    assert queue == {"Ref": "JobQueue"}
    # arn:aws:batch:region:account:job-definition/NAME:REVISION
    assert arn.endswith(":${Definition}:*")
    assert names == {
        "Definition": {"Fn::Select": [5, {"Fn::Split": [":", {"Ref": "JobDefinition"}]}]}
    }
    assert properties("JobDefinition")["ResourceRetentionPolicy"] == {
        "SkipDeregisterOnUpdate": True
    }


def test_a_first_deployment_that_fails_can_be_rolled_back() -> None:
    # A table that refuses to be deleted would end the rollback in ROLLBACK_FAILED.
    assert "DeletionProtectionEnabled" not in properties("Table")
    for name, resource in template()["Resources"].items():
        assert resource.get("DeletionPolicy", "Delete") == "Delete", name


def test_an_update_of_machines_ends_no_child_before_its_own_time() -> None:
    longest = template()["Parameters"]["ChildTimeout"]["MaxValue"]
    for environment in resources("AWS::Batch::ComputeEnvironment").values():
        policy = environment["Properties"]["UpdatePolicy"]
        assert policy["TerminateJobsOnUpdate"] is False
        # The service takes at most 7,200 minutes:
        # https://docs.aws.amazon.com/batch/latest/APIReference/API_UpdatePolicy.html
        assert longest <= policy["JobExecutionTimeoutMinutes"] * 60 <= 7200 * 60


def test_machines_get_patched_images() -> None:
    for name, environment in resources("AWS::Batch::ComputeEnvironment").items():
        machines = environment["Properties"]["ComputeResources"]
        assert machines["Ec2Configuration"] == [{"ImageType": "ECS_AL2023"}], name
        assert machines["UpdateToLatestImageVersion"] is True
    patched = "".join(
        schedule["Properties"]["Target"]["Input"]["Fn::Sub"]
        for schedule in resources("AWS::Scheduler::Schedule").values()
    )
    for name in resources("AWS::Batch::ComputeEnvironment"):
        assert f"${{{name}}}" in patched


def test_machines_carry_the_tag_of_the_stack() -> None:
    data = properties("LaunchTemplate")["LaunchTemplateData"]
    assert {tagged["ResourceType"] for tagged in data["TagSpecifications"]} == {
        "instance",
        "volume",
    }
    for tagged in data["TagSpecifications"]:
        assert tagged["Tags"] == [{"Key": "facerec-stack", "Value": {"Ref": "AWS::StackName"}}]


def test_what_alarms_and_events_send_may_be_sent() -> None:
    # The key that AWS manages for SNS lets neither CloudWatch nor EventBridge use it.
    for topic in resources("AWS::SNS::Topic").values():
        assert "KmsMasterKeyId" not in topic.get("Properties", {})
    policy = json.dumps(properties("TopicPolicy")["PolicyDocument"])
    assert "cloudwatch.amazonaws.com" in policy
    assert "events.amazonaws.com" in policy
    for name, rule in resources("AWS::Events::Rule").items():
        assert rule["Properties"]["Targets"], name


def test_every_job_that_ends_is_told_of() -> None:
    detail = properties("JobEndedRule")["EventPattern"]["detail"]
    assert set(detail["status"]) == {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"SubnetIds": ["subnet-1"]}, "SecurityGroupIds"),
        ({"SecurityGroupIds": ["sg-1"]}, "SubnetIds"),
        ({"ApiAuthorization": "COGNITO"}, "CognitoUserPoolArn"),
        ({"MonthlyBudget": 100}, "AlarmEmail"),
        ({"ApiDomainName": "faces.example.com"}, "ApiCertificateArn"),
        (
            {"ApiDomainName": "faces.example.com", "ApiHostedZoneId": "Z0123"},
            "ApiCertificateArn",
        ),
        ({"ApiCertificateArn": "arn"}, "ApiDomainName"),
        ({"ApiHostedZoneId": "Z0123"}, "ApiDomainName"),
        (
            {
                "VectorStore": "pinecone",
                "PineconeIndexName": "faces",
                "PineconeIndexHost": "faces-1.svc.pinecone.io",
            },
            "PineconeSecretArn",
        ),
        (
            {
                "VectorStore": "pinecone",
                "PineconeSecretArn": "arn",
                "PineconeIndexHost": "faces-1.svc.pinecone.io",
            },
            "PineconeIndexName",
        ),
        (
            {
                "VectorStore": "pinecone",
                "PineconeSecretArn": "arn",
                "PineconeIndexName": "faces",
            },
            "PineconeIndexHost",
        ),
        ({"ScheduledManifest": "s3://photos/"}, "ScheduledCollection"),
        ({"WatchedBucket": "photos", "WatchedCollection": "staff"}, "WatchedPrefix"),
        ({"WatchedBucket": "photos", "WatchedPrefix": "incoming/"}, "WatchedCollection"),
        ({}, None),
        ({"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}, None),
        ({"MonthlyBudget": 100, "AlarmEmail": "ops@example.com"}, None),
        ({"ApiDomainName": "faces.example.com", "ApiCertificateArn": "arn"}, None),
    ],
)
@pytest.mark.parametrize("empty", [[""], []], ids=["an empty value", "no value"])
def test_combinations_that_would_fail_late_are_refused(
    given: dict[str, Any], missing: str | None, empty: list[str]
) -> None:
    values = {name: p.get("Default") for name, p in template()["Parameters"].items()}
    for name, parameter in template()["Parameters"].items():
        if parameter["Type"] == "CommaDelimitedList":
            # No document says which of the two an empty list is in a rule.
            values[name] = empty
    refused = rules_refuse(values | given)
    assert [text for text in refused if missing and text.startswith(missing)] == (
        refused if missing else []
    )
    assert bool(refused) is (missing is not None)


def rules_refuse(values: dict[str, Any]) -> list[str]:
    """Return what the template's rules say about parameters, as CloudFormation evaluates them."""

    def holds(part: Any) -> Any:  # noqa: ANN401 - a template
        if not isinstance(part, dict):
            return part
        ((function, arguments),) = part.items()
        if function == "Ref":
            return values[arguments]
        found = [holds(each) for each in arguments]
        return {
            "Fn::Equals": lambda: str(found[0]) == str(found[1]),
            "Fn::EachMemberEquals": lambda: all(each == found[1] for each in found[0]),
            "Fn::Not": lambda: not found[0],
            "Fn::And": lambda: all(found),
            "Fn::Or": lambda: any(found),
        }[function]()

    return [
        assertion["AssertDescription"]
        for rule in template()["Rules"].values()
        if holds(rule["RuleCondition"])
        for assertion in rule["Assertions"]
        if not holds(assertion["Assert"])
    ]


def test_the_network_has_only_free_endpoints() -> None:
    assert resources("AWS::EC2::NatGateway") == {}
    endpoints = resources("AWS::EC2::VPCEndpoint").values()
    assert len(endpoints) == 2
    assert {endpoint["Properties"]["VpcEndpointType"] for endpoint in endpoints} == {"Gateway"}
    group = properties("JobSecurityGroup")
    assert "SecurityGroupIngress" not in group


def test_there_is_an_alarm_for_each_thing_that_goes_wrong() -> None:
    alarms = set(resources("AWS::CloudWatch::Alarm"))
    assert alarms == {
        "ApiErrorsAlarm",
        "ApiLatencyAlarm",
        "FailedJobsAlarm",
        "FunctionErrorsAlarm",
        "InterruptionsAlarm",
        "NoProgressAlarm",
        "OutagesAlarm",
        "QueueBlockedAlarm",
        "RestartsAlarm",
        "StoreFailuresAlarm",
        "TableThrottlesAlarm",
        "UndeliveredEventsAlarm",
    }
    for name in alarms:
        assert properties(name)["AlarmActions"]["Fn::If"][0] == "Notified"
    body = properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    assert len(json.loads(body)["widgets"]) == 6


def test_an_error_of_any_function_raises_an_alarm() -> None:
    listed = {
        alarm: [
            each["MetricStat"]["Metric"]
            for each in properties(alarm)["Metrics"]
            if "MetricStat" in each
        ]
        for alarm in ("FunctionErrorsAlarm", "UndeliveredEventsAlarm")
    }
    metrics = [metric for each in listed.values() for metric in each]
    for name in ("Errors", "Throttles"):
        watched = {
            metric["Dimensions"][0]["Value"]["Ref"]
            for metric in metrics
            if metric["MetricName"] == name
        }
        assert watched == set(resources("AWS::Serverless::Function"))
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html
    assert max(len(each) for each in listed.values()) <= 10


def test_every_execution_that_fails_raises_an_alarm_unless_its_input_was_refused() -> None:
    metrics = {each["Id"]: each for each in properties("FailedJobsAlarm")["Metrics"]}
    assert metrics["bad"]["Expression"] == (
        "FILL(failed, 0) + FILL(timedout, 0) - FILL(refused, 0)"
    )
    counted = {
        name: metrics[name]["MetricStat"]["Metric"] for name in ("failed", "timedout", "refused")
    }
    assert counted["failed"]["MetricName"] == "ExecutionsFailed"
    assert counted["timedout"]["MetricName"] == "ExecutionsTimedOut"
    assert counted["refused"]["MetricName"] == "RefusedJobs"
    assert 'name="RefusedJobs"' in (ROOT / "lambdas/plan/handler.py").read_text("utf-8")


def test_no_alarm_counts_what_another_stack_does() -> None:
    for name in resources("AWS::CloudWatch::Alarm"):
        alarm = properties(name)
        stats = [each["MetricStat"] for each in alarm.get("Metrics", ()) if "MetricStat" in each]
        for metric in [stat["Metric"] for stat in stats] or [alarm]:
            assert metric["Dimensions"], name
    for name in resources("AWS::Logs::MetricFilter"):
        (transformed,) = properties(name)["MetricTransformations"]
        assert transformed["Dimensions"] == [{"Key": "service", "Value": "$.service"}]
        assert "DefaultValue" not in transformed  # not allowed with dimensions


def test_attempts_that_a_store_ended_are_counted_from_their_log_line() -> None:
    pattern = properties("StoreFailuresFilter")["FilterPattern"]
    assert pattern == f'{{ $.message = "failed" && $.exit_code = {RETRY} }}'
    assert 'log.error("failed", exit_code=code' in (ROOT / "batch_job/task.py").read_text("utf-8")


def test_each_attempt_that_ends_since_a_store_is_down_raises_an_alarm() -> None:
    assert properties("OutagesFilter")["FilterPattern"] == f"{{ $.exit_code = {OUTAGE} }}"
    task = (ROOT / "batch_job/task.py").read_text("utf-8")
    assert task.count("exit_code=OUTAGE") == task.count("return OUTAGE")
    assert properties("OutagesAlarm")["Threshold"] == 0


def test_throttling_of_the_table_raises_an_alarm_whoever_asks() -> None:
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    metrics = [
        each["MetricStat"]["Metric"]
        for each in properties("TableThrottlesAlarm")["Metrics"]
        if "MetricStat" in each
    ]
    assert {each["MetricName"] for each in metrics} == {"ReadThrottleEvents", "WriteThrottleEvents"}
    for metric in metrics:
        # Without the operation in them, the dimensions cover all requests.
        assert metric["Dimensions"] == [{"Name": "TableName", "Value": {"Ref": "Table"}}]


def test_job_folders_stay_as_long_as_their_collection_unless_days_are_given() -> None:
    rules = properties("Bucket")["LifecycleConfiguration"]["Rules"]
    ((condition, rule, otherwise),) = (each["Fn::If"] for each in rules if "Fn::If" in each)
    assert template()["Conditions"][condition] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "JobRetentionDays"}, 0]}]
    }
    assert (rule["Prefix"], rule["ExpirationInDays"]) == ("jobs/", {"Ref": "JobRetentionDays"})
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert template()["Parameters"]["JobRetentionDays"]["Default"] == 0
    # The other rules expire what belongs to no collection.
    others = [each for each in rules if "ExpirationInDays" in each]
    assert {each["Prefix"]: each["ExpirationInDays"] for each in others} == {
        "jobs/refused/": 30,
        "jobs/planning/": 30,
    }


def test_a_host_name_of_ones_own_leads_to_the_stage() -> None:
    domain, mapping = properties("ApiDomain"), properties("ApiDomainMapping")
    assert domain["SecurityPolicy"] == "TLS_1_2"
    assert domain["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert properties("Api")["EndpointConfiguration"] == {"Type": "REGIONAL"}
    assert "BasePath" not in mapping
    record = properties("ApiDomainRecord")["AliasTarget"]
    assert {tuple(value["Fn::GetAtt"]) for value in record.values()} == {
        ("ApiDomain", "RegionalDomainName"),
        ("ApiDomain", "RegionalHostedZoneId"),
    }
    chosen, own, _ = template()["Outputs"]["ApiUrl"]["Value"]["Fn::If"]
    assert (chosen, own) == ("OwnDomain", {"Fn::Sub": "https://${ApiDomainName}"})


def test_a_schedule_erases_what_has_expired() -> None:
    events = properties("ErasureFunction")["Events"]
    (event,) = (event for event in events.values() if event["Type"] == "Schedule")
    assert event["Properties"]["Schedule"] == "rate(1 hour)"
    # tests/workflow/test_erasing.py sends such an event.
    assert "Input" not in event["Properties"]
    assert event["Properties"].get("Enabled", True) is True


def test_the_input_of_a_scheduled_job_is_valid() -> None:
    text = properties("JobSchedule")["Target"]["Input"]["Fn::Sub"]
    document = json.loads(
        text.replace("${ScheduledCollection}", "staff").replace(
            "${ScheduledManifest}", "s3://photos/incoming/"
        )
    )
    assert violation("execution-input", document) is None
    # No value of the parameters can end the text that it is put into.
    for name in ("ScheduledManifest", "ScheduledCollection"):
        pattern = template()["Parameters"][name]["AllowedPattern"]
        assert not re.match(pattern, 's3://photos/a"b/')
        assert not re.match(pattern, "s3://photos/a\\b/")


def test_nothing_that_jobs_write_starts_a_job_of_the_watched_folder() -> None:
    pattern = template()["Parameters"]["WatchedPrefix"]["AllowedPattern"]
    for folder in ("jobs/", "jobs/staff/", "erasures/", "changes/", "incoming"):
        assert not re.match(pattern, folder)
    assert re.match(pattern, "incoming/")
    (match,) = properties("ChangesRule")["EventPattern"]["detail"]["object"]["key"]
    assert match == {"prefix": {"Ref": "WatchedPrefix"}}


def test_no_address_of_a_photo_is_in_the_queue_of_changes() -> None:
    (target,) = properties("ChangesRule")["Targets"]
    assert json.loads(target["Input"]) == {"changed": True}


def test_a_queue_holds_changes_for_as_long_as_lambda_needs_them() -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
    queue, mapping = properties("ChangesQueue"), properties("ChangesToWatch")
    assert queue["VisibilityTimeout"] >= 6 * properties("WatchFunction")["Timeout"]
    assert mapping["BatchSize"] <= 10_000
    assert 1 <= mapping["MaximumBatchingWindowInSeconds"] <= 300
    assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2
    (statement,) = properties("ChangesQueuePolicy")["PolicyDocument"]["Statement"]
    assert statement["Condition"]["ArnEquals"] == {
        "aws:SourceArn": {"Fn::GetAtt": ["ChangesRule", "Arn"]}
    }


def test_rules_use_only_the_functions_that_cloudformation_knows_there() -> None:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
    # A template with another one is refused whole, which no linter tells.
    used = set(re.findall(r'"(Fn::\w+|Ref)"', json.dumps(template()["Rules"])))
    assert used <= {
        "Ref",
        "Fn::And",
        "Fn::Contains",
        "Fn::EachMemberEquals",
        "Fn::EachMemberIn",
        "Fn::Equals",
        "Fn::Not",
        "Fn::Or",
    }
