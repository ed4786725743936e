"""Limits of Amazon S3 Vectors.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html
"""

MAX_PUT = 500
"""Maximum number of vectors in a PutVectors request."""

MAX_DELETE = 500
"""Maximum number of keys in a DeleteVectors request."""

MAX_GET = 100
"""Maximum number of keys in a GetVectors request."""

MAX_LIST = 1000
"""Maximum number of vectors in a page of ListVectors; a page is limited to 1 MB and may end
earlier."""

SEGMENTS = 16
"""Maximum number of parts of an index that can be listed in parallel."""

MAX_METADATA = 40_960
"""Maximum size of the metadata of a vector in bytes."""

MIN_CANDIDATES = 100
"""Minimum number of neighbours to request: the index is approximate, so more neighbours are
compared exactly than are returned. It is also the largest ``topK`` in regions without result
pages."""

MAX_BODY = 20 * 1024 * 1024
"""Maximum size of a request in bytes."""
