"""Limits of what is accepted, and of the services that a plan must fit, each with its source."""

from __future__ import annotations

SMALLEST_ARRAY = 2
"""AWS Batch refuses arrays of one job.
https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html"""

LARGEST_ARRAY = 10_000
"""Jobs in one array of AWS Batch.
https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html"""

MOST_CHILDREN = 1_000_000
"""Children of a job: 100 arrays, whose list fits into the state of a workflow many times over (256
KiB, https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). Beyond it the
children become larger."""

MOST_INLINE_IMAGES = 1_000
"""Photos that an execution input may name itself; with their names they stay below the 256 KiB of
the input of a workflow (the same page)."""

MAX_PHOTO_BYTES = 64 * 1024 * 1024
"""Bytes of a photo, whatever door it comes through. Rekognition takes 15 MB from S3 and 5 MB in a
request (https://docs.aws.amazon.com/rekognition/latest/dg/limits.html)."""
