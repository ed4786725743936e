"""Describes the stored faces of a collection with another model version."""
