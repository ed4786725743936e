"""The store of faces in a Pinecone index: one namespace for each collection."""

from facerec.storage.pinecone.opening import open_pinecone_store
from facerec.storage.pinecone.store import PineconeStore

__all__ = ["PineconeStore", "open_pinecone_store"]
