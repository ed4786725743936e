"""facerec's limits for requests to Pinecone, which are within Pinecone's own limits.

Sizes: https://docs.pinecone.io/reference/api/database-limits/operation-limits
Rates: https://docs.pinecone.io/reference/api/database-limits/rate-limits
"""

from __future__ import annotations

VECTORS_PER_UPSERT = 500
"""Number of vectors per upsert, as many as usually fit in ``BYTES_PER_UPSERT``; Pinecone allows
1,000."""

BYTES_PER_UPSERT = 1_900_000
"""Number of bytes of records per upsert; Pinecone allows requests of 2 MB."""

IDS_PER_DELETE = 1000
"""Number of ids per deletion, Pinecone's limit."""

IDS_PER_FETCH = 100
"""Number of ids per fetch. Pinecone allows 1,000, but the request's URL contains the ids, 41
characters each, and proxies commonly reject URLs of more than 8 KB."""

VALUES_PER_FILTER = 1000
"""Number of values in a filter, about 40 KB of a request. Pinecone allows 10,000 in ``$in``."""

VECTORS_PER_FETCH_BY_METADATA = 500
"""Number of vectors per answer of a fetch by metadata, about 1 MB. Pinecone allows 10,000.
https://docs.pinecone.io/guides/manage-data/fetch-data"""

IDS_PER_PAGE = 100
"""Number of ids per page of a listing, Pinecone's limit."""

BYTES_OF_METADATA = 8000
"""Maximum number of bytes of metadata per record: the longest sources and names take about 6 KB.
Pinecone allows 40 KB."""

MATCHES_WITH_METADATA = 500
"""Number of matches per query with metadata: this many records of ``BYTES_OF_METADATA`` fit in a
response of 4 MB. Larger searches get the ids first; Pinecone allows 10,000."""

REQUESTS_IN_FLIGHT = 8
"""Maximum number of concurrent requests of a store. All processes share the rate limits (100
upserts and 100 queries per second and namespace, 100 fetches, by ids or by metadata, and 200
listings per second and index)."""

REQUEST_TIMEOUT = 10.0
"""Timeout of one attempt at a request, in seconds."""
