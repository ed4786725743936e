"""Paths of the REST routes."""

API = "/api/v1"

COLLECTIONS = f"{API}/collections"

COLLECTION = f"{COLLECTIONS}/{{collection_id}}"

FACE_RECOGNITION = f"{API}/face-recognition"
"""Prefix of the routes that take a photo."""

JOBS = f"{API}/jobs"
