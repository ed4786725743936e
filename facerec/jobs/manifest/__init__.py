"""Manifests: their formats, and reading them in slices."""
