"""Limits on the cost of one request, of one connection, and of all of them together."""

from __future__ import annotations

MAX_BODY = 16 * 1024 * 1024
"""Maximum size of a request in bytes: two photos of 5 MB each in base64, as CompareFaces may
send."""

MAX_PUBLIC_BODY = 64 * 1024
"""Maximum size in bytes of a request without authentication, such as one for the page."""

MAX_BODIES = 8 * MAX_BODY
"""Maximum size in bytes of all requests being received or answered. While a body is parsed, it is
in memory four times."""

MAX_BODY_SECONDS = 120
"""Maximum seconds until the body of a request is complete: 16 MB at one megabit a second."""

MAX_DISCARD_SECONDS = 3
"""Maximum seconds for which the rest of a refused request is received and discarded."""

MAX_JSON_TOKENS = 50_000
"""Maximum number of values in a request. The longest lists contain 4,096 ids or 1,000 photos; a
parsed value takes 15 to 30 times the bytes of its text."""

MAX_CONNECTIONS = 400
"""Maximum number of open connections. Processes may usually open 1,024 files, some for photos."""

MAX_HEAD_SECONDS = 10
"""Maximum seconds until the head of a request is complete, from the connection or first byte on."""

MAX_STALL_SECONDS = 30
"""Maximum seconds for which a client may pause while it reads a response."""

KEEP_ALIVE_SECONDS = 75
"""Seconds that a connection is kept without a request. Proxies keep theirs for 60 seconds (nginx,
Application Load Balancer) and must be the first to close, or they occasionally answer 502."""

MAX_QUEUE = 64
"""Maximum number of waiting requests with photos, and of those without photos; more are refused,
and may be sent again later."""

MAX_CONCURRENT_OTHERS = 32
"""Maximum number of concurrent requests without photos, which mostly wait for a store."""

GRACE_SECONDS = 30
"""Seconds that running requests have to finish after Ctrl-C or SIGTERM."""

MAX_GRACE_SECONDS = GRACE_SECONDS + 5
"""Maximum seconds from Ctrl-C or SIGTERM until the process ends, regardless of its threads."""
