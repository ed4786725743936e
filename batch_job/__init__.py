"""The container of a job: a child of an array, the report of many children, or a clustering."""
