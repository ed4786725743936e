"""Vectors in a Pinecone index: one namespace for each collection."""

from facerec.storage.pinecone.limits import PATIENCE
from facerec.storage.pinecone.opening import open_pinecone_vectors
from facerec.storage.pinecone.vector_store import PineconeVectors

__all__ = ["PATIENCE", "PineconeVectors", "open_pinecone_vectors"]
