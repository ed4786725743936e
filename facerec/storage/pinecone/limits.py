"""Pinecone's limits, and how far facerec goes within them.

Sizes: https://docs.pinecone.io/reference/api/database-limits/operation-limits
Rates: https://docs.pinecone.io/reference/api/database-limits/rate-limits
"""

from __future__ import annotations

VECTORS_PER_UPSERT = 500
"""Of 1,000 allowed: as many as usually fit in ``BYTES_PER_UPSERT``."""

BYTES_PER_UPSERT = 1_900_000
"""Of 2 MB allowed, so that the frame of the request fits too."""

IDS_PER_DELETE = 1000
"""As many as are allowed."""

IDS_PER_FETCH = 100
"""Of 1,000 allowed: ids travel in the address of the request, 41 characters each, and proxies
commonly refuse addresses of more than 8 KB."""

IDS_PER_PAGE = 100
"""As many as are allowed in a page of a listing."""

BYTES_OF_METADATA = 8000
"""Of 40 KB allowed for a record: the longest sources and names of photos take about 6 KB."""

MATCHES_WITH_METADATA = 500
"""Of 10,000 matches allowed: so many records of ``BYTES_OF_METADATA`` fit in the 4 MB that an
answer may have. Larger searches get the ids first."""

REQUESTS_IN_FLIGHT = 8
"""Requests of one store at a time. The rates (100 upserts and 100 queries a second for each
namespace, 100 fetches and 200 listings for each index) are shared by all processes."""

REQUEST_TIMEOUT = 10.0
"""Seconds that one attempt at a request may take."""

FIRST_PAUSE = 0.5
"""Seconds: the longest pause after a first refusal; doubled with each further one."""

LONGEST_PAUSE = 20.0
"""Seconds: what pauses grow to."""

PATIENCE = 60.0
"""Seconds after which a request that is refused again and again is given up."""
