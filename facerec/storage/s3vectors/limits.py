"""Limits of Amazon S3 Vectors.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html
"""

MAX_PUT = 500
"""Vectors of one PutVectors request."""

MAX_DELETE = 500
"""Keys of one DeleteVectors request."""

MAX_GET = 100
"""Keys of one GetVectors request."""

MAX_LIST = 1000
"""Vectors of one page of ListVectors; a page holds 1 MB at most and may end earlier."""

SEGMENTS = 16
"""Parts of an index that can be listed in parallel."""

MAX_METADATA = 40_960
"""Bytes of the metadata of a vector."""

MIN_CANDIDATES = 100
"""Minimum number of neighbours to request: the index is approximate, so more neighbours than are
returned are compared exactly. It is also the largest ``topK`` in regions without result pages."""

MAX_BODY = 20 * 1024 * 1024
"""Bytes of a request."""
