"""Limits of jobs, photos and answers, with the pages that state them."""

from __future__ import annotations

MAX_ARRAY_SIZE = 10_000
"""Jobs in one array of AWS Batch.
https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html"""

MAX_CHILDREN = 1_000_000
"""Children of a job: 100 arrays, whose list is much smaller than the state of a workflow may be
(256 KiB, https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). Larger jobs get
larger children."""

MAX_IMAGES_PER_CHILD = 1_000_000
"""Photos that a request may assign to each child of a job."""

MAX_PHOTO_BYTES = 64 * 1024 * 1024
"""Bytes of a photo, whatever door it comes through. Rekognition takes 15 MB from S3 and 5 MB in a
request (https://docs.aws.amazon.com/rekognition/latest/dg/limits.html)."""

MAX_MATCHES = 4096
"""Matches of one probe, as in Rekognition (``MaxFaces`` of ``SearchFaces``,
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_SearchFaces.html)."""

MAX_NEIGHBOURS = 2 * MAX_MATCHES
"""Nearest faces that a search asks a store for: more than are returned, since corrections hide
some. Pinecone allows 10,000 (https://docs.pinecone.io/reference/api/database-limits)."""

MAX_PAIRS = 10_000
"""Pairs of faces of two photos: each of at most 100 with each."""

DEFAULT_PAGE = 1000
"""Entries of a page of collections or faces if the caller does not say, about 1 MB of JSON."""

MAX_PAGE = 4096
"""Entries of a page of collections or faces, as in Rekognition (``MaxResults`` of ``ListFaces``,
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_ListFaces.html)."""

MAX_USER_PAGE = 500
"""Entries of a page of people, and the default, as in Rekognition (``MaxResults`` of ``ListUsers``,
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_ListUsers.html)."""

MAX_USER_MATCHES = 500
"""People that a search returns, and the default, as in Rekognition
(``MaxUsers`` of ``SearchUsers``,
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_SearchUsers.html)."""

DEFAULT_RECEIPTS = 100
"""Receipts of a listing if the caller does not say."""

MAX_RECEIPTS = 300
"""Receipts of a listing. On AWS each is an object in S3, and API Gateway waits for 29 seconds."""

DEFAULT_HISTORY = 100
"""Entries of a page of the history if the caller does not say."""

MAX_HISTORY = 500
"""Entries of a page of the history."""

DEFAULT_JOBS = 20
"""Jobs of a listing if the caller does not say."""

MAX_JOBS = 300
"""Jobs of a listing. On AWS each takes a call of DescribeExecution, of which Step Functions allows
250 at once and then 10 per second
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html), and API Gateway waits
for 29 seconds."""

MAX_CLUSTER_PAGE = 500
"""Clusters of a page."""
