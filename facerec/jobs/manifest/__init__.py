"""Manifests: what they may look like, and how one is read in slices."""
