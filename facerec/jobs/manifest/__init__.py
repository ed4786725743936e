"""Manifests: their formats, and how they are read in slices."""
