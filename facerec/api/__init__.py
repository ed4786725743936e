"""HTTP: the REST routes and Rekognition's wire protocol over the same operations."""
