"""Clusters faces that seem to show the same person, from the arrays that stores return."""
