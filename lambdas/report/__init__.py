"""The function that writes the report of a job and decides how the execution ends."""
