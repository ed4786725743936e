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

MAX_DOCUMENT = MAX_METADATA - 100
"""Maximum size in bytes of a record that is kept as the only field of the metadata; the field's
name and quotes count too."""

MIN_CANDIDATES = 100
"""Minimum number of neighbours to request: the index is approximate, so more neighbours are
compared exactly than are returned."""

DOCUMENTED_TOP_K = 100
"""Largest ``topK`` of a query according to the page above. Regions with result pages accept more:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-query.html"""

ANSWERED_BY_100 = 102
"""Largest number of requested neighbours for which 100 neighbours are enough. A search for 100
matches requests one more neighbour to detect whether there are more, and another one for a probe
that is stored itself."""

MAX_COMPARED = 20_000
"""Maximum number of vectors of an index that are all read to find more neighbours than a query
returns: about 220 requests, 16 at a time."""

MAX_BODY = 20 * 1024 * 1024
"""Maximum size of a request in bytes."""
