"""Has Pinecone import the faces of a job from Parquet files once all children are complete."""
