"""Faces to people: ids, similarity, decisions, and the operations on collections."""
