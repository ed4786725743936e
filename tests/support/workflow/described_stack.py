"""A stack of CloudFormation for commands that look up the resources of a stack."""

from __future__ import annotations

import json

import boto3

from tests.support.workflow.stack import BUCKET


def create_described_stack(name: str, **outputs: str) -> None:
    """Create a stack with the outputs and parameters that commands read.

    Its outputs name the state machine and the queue that exist.

    Args:
        name: Name of the stack.
        outputs: Further outputs.
    """
    (workflow,) = boto3.client("stepfunctions").list_state_machines()["stateMachines"]
    (queue,) = boto3.client("batch").describe_job_queues()["jobQueues"]
    outputs = {
        "BucketName": BUCKET,
        "WorkflowArn": workflow["stateMachineArn"],
        "JobQueueArn": queue["jobQueueArn"],
        "DashboardUrl": "https://console.aws.amazon.com/",
        **outputs,
    }
    template = {
        "Parameters": {
            "MaxvCpus": {"Type": "Number", "Default": 256},
            "ChildVcpus": {"Type": "Number", "Default": 1},
            "VectorStore": {"Type": "String", "Default": "s3vectors"},
        },
        "Resources": {"Other": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
