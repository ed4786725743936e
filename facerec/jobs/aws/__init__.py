"""Jobs on AWS: executions, the states of children in AWS Batch, the stack, and ``AwsJobs``."""
