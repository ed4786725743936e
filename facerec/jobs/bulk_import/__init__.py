"""Faces of a job that Pinecone imports from Parquet files when all children are complete."""
