"""Description: aligned faces to embeddings, quality and pose."""
