"""Clusters of faces that nobody has named yet."""
