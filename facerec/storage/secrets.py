"""Secrets in AWS Secrets Manager."""

from __future__ import annotations

from facerec.core.aws_errors import aws_errors
from facerec.core.aws_region import aws_region
from facerec.errors import ConfigurationError


def read_secret(arn: str) -> str:
    """Return the text of a secret, without white space at its ends.

    Raises:
        ConfigurationError: The secret does not exist or has no SecretString, or no AWS region is
            set.
        NoCredentialsError: There are no credentials.
        AccessDeniedError: The secret may not be read.
        StoreUnavailableError: Secrets Manager does not respond.
    """
    import boto3

    missing = ConfigurationError(f"the secret {arn} does not exist", "check the ARN and its region")
    with aws_errors("Secrets Manager", f"the secret {arn}", missing=missing):
        client = boto3.client("secretsmanager", region_name=aws_region())
        answer = client.get_secret_value(SecretId=arn)
    text: str = answer.get("SecretString", "").strip()
    if not text:
        raise ConfigurationError(
            f"the secret {arn} has no SecretString", "store the key as the text of the secret"
        )
    return text
