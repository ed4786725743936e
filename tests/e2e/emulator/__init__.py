"""ministack (on PyPI) with what it lacks of AWS for this project.

It brings CloudFormation, Step Functions, Lambda, API Gateway, S3, DynamoDB and the rest. Added here
are AWS Batch, which ministack only pretends to have: jobs and arrays that run as processes, in
CloudFormation, in Step Functions and over HTTP; and functions that are container images, without a
container engine. Both go in by ministack's private dispatch tables, so that its version is pinned.

One account, one region. Nothing here is imported by the project itself.
"""
