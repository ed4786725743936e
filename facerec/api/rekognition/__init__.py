"""Rekognition's wire protocol, as boto3, the AWS CLI and the other SDKs use it."""
