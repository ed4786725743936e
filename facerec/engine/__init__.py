"""Finds and describes faces: decoding, detection, alignment, embeddings, quality and models."""
