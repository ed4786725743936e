"""Lets Pinecone import the faces of a job from Parquet files when all children are complete."""
