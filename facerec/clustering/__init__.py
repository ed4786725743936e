"""Clusters of faces that seem to show the same person, in arrays that stores read."""
