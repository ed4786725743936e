"""Formats of manifests, and the code that reads manifests in slices."""
