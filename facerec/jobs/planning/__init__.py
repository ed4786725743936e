"""Plans jobs: derives from a request and its source what the children must process."""
