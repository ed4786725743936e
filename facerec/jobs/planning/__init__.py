"""Plans jobs: derives the work of the children from a request and its source."""
