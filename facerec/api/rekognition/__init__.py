"""Rekognition's wire protocol: what boto3, the AWS CLI and the other SDKs speak."""
