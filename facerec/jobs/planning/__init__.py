"""Plans jobs: from a request and its source to what children must process."""
