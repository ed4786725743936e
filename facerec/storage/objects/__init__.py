"""Objects: local files and S3 behind one protocol."""
