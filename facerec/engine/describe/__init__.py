"""Describes aligned faces: embeddings, quality and pose."""
