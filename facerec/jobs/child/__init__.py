"""One attempt at a child of a job."""
