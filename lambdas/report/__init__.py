"""The function that writes the report of a job and judges it."""
