"""The container of a job: one child of an array, or the report of a job with many children."""
