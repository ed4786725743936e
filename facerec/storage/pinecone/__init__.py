"""Vectors in a Pinecone index: one namespace for each collection."""

from facerec.storage.pinecone.opening import open_pinecone_imports, open_pinecone_vectors
from facerec.storage.pinecone.vector_store import PineconeVectors

__all__ = ["PineconeVectors", "open_pinecone_imports", "open_pinecone_vectors"]
