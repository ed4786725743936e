"""Count the requests to Pinecone per photo, of jobs into a new and into an existing collection.

    python -m benchmarks.requests_to_pinecone [--json FILE]

Children as on AWS store their faces in a server on this machine that has Pinecone's interface and
limits. The photos have one face each, or two where faces are replaced.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.support.results import arguments, finish, show
from tests.support.pinecone_jobs import PHOTOS, PineconeJobs
from tests.support.pinecone_server import PineconeServer

MAX_PER_PHOTO = 0.02
"""Target: maximum number of requests per photo indexed into an existing collection."""


def main() -> int:
    """Run the jobs, print their requests and check them."""
    options = arguments(__doc__).parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder, PineconeServer() as server:
        jobs = PineconeJobs(Path(folder), server)
        old = jobs.photos("old", "somebody", faces=2)
        new = jobs.photos("new", "another")
        for name, source, settings in (
            ("a new collection", old, {}),
            ("new photos of an existing collection", new, {}),
            ("the same photos with other options", old, {"options": {"max_faces": 1}}),
        ):
            _, _, requests = jobs.run(source, **settings)
            rows.append(_row(name, requests))
    show(f"requests to Pinecone of {PHOTOS:,} photos in two children", rows)
    reached = rows[1]["per photo"] <= MAX_PER_PHOTO
    print(f"requests per photo of an existing collection: target {MAX_PER_PHOTO:g}")
    finish("requests_to_pinecone", {"jobs": rows, "reached": reached}, options.json)
    return int(not reached)


def _row(name: str, requests: Counter[str]) -> dict[str, Any]:
    return {
        "job": name,
        "upserts": requests["/vectors/upsert"],
        "fetches": requests["/vectors/fetch_by_metadata"] + requests["/vectors/fetch"],
        "listings": requests["/vectors/list"],
        "deletions": requests["/vectors/delete"],
        "per photo": requests.total() / PHOTOS,
    }


if __name__ == "__main__":
    sys.exit(main())
