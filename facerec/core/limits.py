"""Limits of jobs, photos and answers, with the pages that state them."""

from __future__ import annotations

MAX_ARRAY_SIZE = 10_000
"""Maximum number of jobs in one AWS Batch array.
https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html"""

MAX_CHILDREN = 1_000_000
"""Maximum number of children of a job: 100 arrays. Their list is far smaller than the maximum state
of a workflow (256 KiB, https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
Larger jobs get larger children."""

MAX_IMAGES_PER_CHILD = 1_000_000
"""Maximum number of photos that a request can assign to each child of a job."""

MAX_TAGS = 200
"""Maximum number of tags of one collection, as in Rekognition
(https://docs.aws.amazon.com/rekognition/latest/APIReference/API_CreateCollection.html)."""

MAX_PHOTO_BYTES = 64 * 1024 * 1024
"""Maximum size of a photo in bytes, the same for every interface. Rekognition accepts 15 MB from S3
and 5 MB in a request (https://docs.aws.amazon.com/rekognition/latest/dg/limits.html)."""

MAX_JSON_BYTES = 256 * 1024**2
"""Maximum size of a JSON document or a note that facerec wrote, such as a plan or a
report. Only this many bytes are read, so a larger one counts as damaged."""

MAX_LEDGER_FILE_BYTES = 1024**3
"""Maximum size of a segment, a file of embeddings, a face index, or a file about an erasure. Only
this many bytes are read, so a larger one counts as damaged."""

MAX_NAMES_BYTES = 1024**3
"""Maximum size, after decompression, of a manifest with a column that names people. It is kept in
memory, unlike the manifest of a job."""

MAX_CSV_BYTES = 1024**3
"""Maximum size of a file of labelled photos or of their pairs; its lines are kept in memory."""

MAX_PRICES_BYTES = 1024**2
"""Maximum size of a table of prices."""

MAX_REPORT_BYTES = 1024**3
"""Maximum size of the report of an earlier import."""

MAX_PHOTO_LIST_BYTES = 1024**3
"""Maximum size of a manifest that names the photos of an import; it is kept in memory."""

MAX_PICKLE_BYTES = 1024**3
"""Maximum size of a pickle of embeddings, about 900,000 of float64; it is kept in memory."""

MAX_DUMP_BYTES = 1024**4
"""Maximum size of a dump of a database; it is read in parts."""

MAX_EXPORT_BYTES = 1024**4
"""Maximum size of each file of an exported collection; it is read in parts."""

MAX_EXPORT_LINE_BYTES = 64 * 1024**2
"""Maximum size of the description of an exported collection, and of a line of its files."""

MAX_THUMBNAIL_BYTES = 8192
"""Maximum size of a stored thumbnail, in bytes."""

MAX_FUNCTION_ANSWER = 5_900_000
"""Maximum size in bytes of the answer of a Lambda function; Lambda allows 6 MB:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""

MAX_MATCHES = 4096
"""Maximum number of matches of one probe, as in Rekognition (``MaxFaces`` of ``SearchFaces``,
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_SearchFaces.html)."""

MAX_NEIGHBOURS = 2 * MAX_MATCHES
"""Maximum number of nearest faces that a search requests from a store: more than it returns, since
corrections hide some. Pinecone allows 10,000
(https://docs.pinecone.io/reference/api/database-limits)."""

MAX_PAIRS = 10_000
"""Maximum number of face pairs of two photos with at most 100 faces each."""

DEFAULT_PAGE = 1000
"""Default number of entries of a page of collections or faces, about 1 MB of JSON."""

MAX_PAGE = 4096
"""Maximum number of entries of a page of collections or faces, as in Rekognition (``MaxResults`` of
``ListFaces``, https://docs.aws.amazon.com/rekognition/latest/APIReference/API_ListFaces.html)."""

MAX_USER_PAGE = 500
"""Maximum and default number of entries of a page of people, as in Rekognition (``MaxResults`` of
``ListUsers``, https://docs.aws.amazon.com/rekognition/latest/APIReference/API_ListUsers.html)."""

MAX_USER_MATCHES = 500
"""Maximum and default number of people that a search returns, as in Rekognition
(``MaxUsers`` of ``SearchUsers``,
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_SearchUsers.html)."""

DEFAULT_RECEIPTS = 100
"""Default number of receipts in a listing."""

MAX_RECEIPTS = 300
"""Maximum number of receipts in a listing. On AWS each is an object in S3, and API Gateway waits
for 29 seconds."""

DEFAULT_HISTORY = 100
"""Default number of entries of a page of the history."""

MAX_HISTORY = 500
"""Maximum number of entries of a page of the history."""

DEFAULT_EVENTS = 100
"""Default number of entries of a page of matches with registered people."""

MAX_EVENTS = 500
"""Maximum number of entries of a page of matches with registered people."""

DEFAULT_JOBS = 20
"""Default number of jobs in a listing."""

MAX_JOBS = 300
"""Maximum number of jobs in a listing. On AWS each takes one DescribeExecution call. Step Functions
allows a burst of 250 and then 10 per second
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html), and API Gateway waits
for 29 seconds."""

DEFAULT_CLUSTERS = 100
"""Default number of clusters of a page."""

MAX_CLUSTER_PAGE = 500
"""Maximum number of clusters of a page."""

MIGRATION_PAGE = 50
"""Default number of faces per page that are described with another model version. A page takes some
seconds on one core, and few photos have faces in two pages and are read twice."""

PRUNE_LIMIT_PERCENTAGE = 50.0
"""Default maximum share, in percent, of the photos of a folder or of the faces of a collection that
may be missing. If more are missing, nothing is deleted: it is more likely that a disk is not
mounted."""
